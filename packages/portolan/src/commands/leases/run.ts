// `portolan leases`: every lease of the folder.
import { leasesJson, leasesPage, PortolanError } from '@portolan/core';
import type { Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { pickTools, viewLeases } from '../../pick-tools.ts';
import { showJson, showPage } from '../../show.ts';

export const run: Run = async (context) => {
  const [word] = context.args.positionals;
  if (word !== undefined) {
    throw new PortolanError('USAGE', `leases takes no “${echo(word)}”.`, {
      hint: 'A port for a name: portolan lease NAME.',
    });
  }
  const tools = await pickTools(context);
  const { leases, damaged } = tools.store.list();
  const views = await viewLeases(leases, tools);
  const model = { place: tools.store.place, leases: views, damaged, gaps: tools.store.gaps };
  if (context.json) showJson(context, leasesJson(model, context.lang));
  else showPage(context, leasesPage(model));
  return 0;
};
