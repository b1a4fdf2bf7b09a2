// `portolan release NAME…`: gives leases back.
import { PortolanError, releasedPage, releaseJson, type StoredLease } from '@portolan/core';
import { readPort } from '../../ask.ts';
import type { Run } from '../../command.ts';
import { projectOf } from '../../leases/project.ts';
import { pickTools } from '../../pick-tools.ts';
import { checkName, releaseName } from '../../picking.ts';
import { showJson, showPage } from '../../show.ts';

export const run: Run = async (context) => {
  const { values, positionals } = context.args;
  const raw = values.get('port');
  if (raw === undefined && positionals.length === 0) {
    throw new PortolanError('USAGE', 'A name is missing.', {
      hint: 'As in: portolan release web, or portolan release --port 4821',
    });
  }
  for (const name of positionals) checkName(name);
  const port =
    raw === undefined ? null : (await readPort(raw, context.lang, () => context.facts(false))).range[0];
  const tools = await pickTools(context);
  const project = projectOf(values.get('project') ?? process.cwd(), tools.uid);
  const released: StoredLease[] = [];
  const files: number[] = [];
  const missing: string[] = [];
  for (const name of positionals) {
    const lease = await releaseName(name, project, tools);
    if (lease === null) missing.push(name);
    else released.push(lease);
  }
  if (port !== null) {
    await tools.store.locked((writer) => {
      const { leases, damaged } = writer.found();
      const lease = leases.find((one) => one.port === port);
      if (lease !== undefined) released.push(lease);
      else if (damaged.some((one) => one.port === port)) files.push(port);
      else missing.push(String(port));
      writer.remove(port);
    });
  }
  if (context.json) showJson(context, releaseJson(released, files, missing));
  else showPage(context, releasedPage(released, files, missing));
  return missing.length > 0 ? 1 : 0;
};
