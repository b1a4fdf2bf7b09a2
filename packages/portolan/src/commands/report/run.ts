// `portolan PORT`: joins facts and probe into the report.
import {
  type PortRange,
  type PortReport,
  printableJson,
  rangePage,
  reportJson,
  reportPage,
  type Snapshot,
  type Socket,
  type Transport,
} from '@portolan/core';
import type { Facts } from '@portolan/facts';
import { onlyPort, readPorts } from '../../ask.ts';
import type { Context, Run } from '../../command.ts';
import { reportThere } from '../../remote/there.ts';
import { reportOn } from '../../report-on.ts';
import { showJson, showPage } from '../../show.ts';

export const run: Run = async (context) => {
  const raw = onlyPort(context.args.positionals, null);
  let facts: Facts | null = null;
  const open = async (): Promise<Facts> => {
    facts ??= await context.facts(false);
    return facts;
  };
  const { range, transports } = await readPorts(raw, context.lang, open);
  if (range[0] === range[1]) {
    const snapshot = await context.look({ ports: range, transports, countEphemeral: true });
    const report = overThere(context, reportOn(range[0], transports, await open(), snapshot, context.call()));
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
  const reports = portReports(range, transports, facts, snapshot, context.call());
  if (context.json) showReports(context, reports);
  else showPage(context, rangePage(range, [...reports]));
}

function* portReports(
  range: PortRange,
  transports: readonly Transport[],
  facts: Facts,
  snapshot: Snapshot,
  call: string,
): Generator<PortReport> {
  const byPort = new Map<number, Socket[]>();
  for (const socket of snapshot.sockets) {
    const list = byPort.get(socket.local.port);
    if (list === undefined) byPort.set(socket.local.port, [socket]);
    else list.push(socket);
  }
  for (let port = range[0]; port <= range[1]; port++) {
    yield reportOn(port, transports, facts, { ...snapshot, sockets: byPort.get(port) ?? [] }, call);
  }
}

/** Written one by one: all 65,536 at once are more than a string can hold. */
function showReports(context: Context, reports: Iterable<PortReport>): void {
  let before = '{ "format": "portolan.reports/1", "reports": [\n';
  for (const report of reports) {
    context.io.out(before + printableJson(reportJson(overThere(context, report), context.lang), 0));
    before = ',\n';
  }
  context.io.out('\n] }\n');
}

/** What helps on another host is to be run there. */
function overThere({ host, call }: Context, report: PortReport): PortReport {
  return host === null ? report : reportThere(report, { host, call: call() });
}
