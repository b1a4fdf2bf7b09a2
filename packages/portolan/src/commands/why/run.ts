// `portolan why PORT`: tries the bind between two looks and tells the answer, by the exit code as well.
import { whyJson, whyPage } from '@portolan/core';
import { onlyPort } from '../../ask.ts';
import type { Run } from '../../command.ts';
import { showJson, showPage } from '../../show.ts';
import type { AskedBind } from '../../why.ts';
import { decideWhy, readAsked } from '../../why-here.ts';

export const run: Run = async (context) => {
  const { values, positionals } = context.args;
  const raw = onlyPort(positionals, 'why');
  const pick = (name: 'address' | 'family' | 'reuse'): Partial<AskedBind> => {
    const value = values.get(name);
    return value === undefined ? {} : { [name]: value };
  };
  const asked: AskedBind = {
    ...(await readAsked(context, raw)),
    ...pick('address'),
    ...pick('family'),
    ...pick('reuse'),
  };
  const decision = await decideWhy(context, asked);
  if (context.json) showJson(context, whyJson(decision, context.lang));
  else showPage(context, whyPage(decision));
  return decision.bindable === null ? 3 : decision.bindable ? 0 : 1;
};
