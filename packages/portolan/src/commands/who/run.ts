// `portolan who PORT`: holders of one port, told by the exit code as well.
import { type Use, useOf, whoJson, whoPage } from '@portolan/core';
import { onlyPort, readPort } from '../../ask.ts';
import type { Run } from '../../command.ts';
import { showJson, showPage } from '../../show.ts';

/** Exit codes of the contract: held, free, could not look. */
const EXIT: Readonly<Record<Use['verdict'], number>> = { held: 0, free: 1, unknown: 3 };

export const run: Run = async (context) => {
  const raw = onlyPort(context.args.positionals, 'who');
  const { range, transports } = await readPort(raw, context.lang, () => context.facts(false));
  const snapshot = await context.look({ ports: range, transports, limits: false });
  const use = useOf(snapshot, range, transports);
  if (context.json) showJson(context, whoJson(range[0], use, context.lang));
  else showPage(context, whoPage(range[0], transports, use));
  return EXIT[use.verdict];
};
