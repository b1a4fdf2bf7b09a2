// `portolan PORT`: joins facts and probe into the report.
import {
  explain,
  type PortRange,
  type PortReport,
  rangePage,
  reportJson,
  reportPage,
  reportsJson,
  type Snapshot,
  type Socket,
  type Transport,
} from '@portolan/core';
import type { Facts } from '@portolan/facts';
import { onlyArgument, readPorts } from '../../ask.ts';
import type { Context, Run } from '../../command.ts';
import { showJson, showPage } from '../../show.ts';

export const run: Run = async (context) => {
  const raw = onlyArgument(context.args.positionals, 'Port');
  let facts: Facts | null = null;
  const open = async (): Promise<Facts> => {
    facts ??= await context.facts(false);
    return facts;
  };
  const { range, transports } = await readPorts(raw, context.lang, open);
  if (range[0] === range[1]) {
    const snapshot = await context.look({ ports: range, transports, countEphemeral: true });
    const report = reportOn(range[0], transports, await open(), snapshot);
    if (context.json) showJson(context, reportJson(report, context.lang));
    else showPage(context, reportPage(report));
  } else {
    await manyPorts(context, range, transports);
  }
  return 0;
};

async function manyPorts(
  context: Context,
  range: PortRange,
  transports: readonly Transport[],
): Promise<void> {
  const facts = await context.facts(true);
  const snapshot = await context.look({ ports: range, transports });
  const byPort = new Map<number, Socket[]>();
  for (const socket of snapshot.sockets) {
    const list = byPort.get(socket.local.port);
    if (list === undefined) byPort.set(socket.local.port, [socket]);
    else list.push(socket);
  }
  const reports: PortReport[] = [];
  for (let port = range[0]; port <= range[1]; port++) {
    reports.push(reportOn(port, transports, facts, { ...snapshot, sockets: byPort.get(port) ?? [] }));
  }
  if (context.json) showJson(context, reportsJson(reports, context.lang));
  else showPage(context, rangePage(range, reports));
}

/** The report on one port from facts and a snapshot that covers it. */
export function reportOn(
  port: number,
  transports: readonly Transport[],
  facts: Facts,
  snapshot: Snapshot,
): PortReport {
  const extras = facts.extras();
  return explain({
    port,
    transports,
    claims: facts.claimsFor(port),
    snapshot,
    blocked: extras.blocked,
    defaults: extras.ephemeral,
    source: (id) => facts.source(id),
  });
}
