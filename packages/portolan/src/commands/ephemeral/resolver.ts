// `portolan ephemeral --resolver`: answers for a test zone, asks or waits, and hands over what came for judgement.
import { isIP } from 'node:net';
import {
  type Endpoint,
  PortolanError,
  type PortRange,
  type ResolverReport,
  renderTerminal,
  resolverReport,
  resolverSetup,
  resolverSetupPage,
  say,
  type TestZone,
} from '@portolan/core';
import type { Context } from '../../command.ts';
import { echo } from '../../flags.ts';

const DEFAULT_ADDRESS = '127.0.0.1';
/** Below a name kept for examples (RFC 6761 s6.5); resolvers treat test. and invalid. in ways of their own. */
const DEFAULT_ZONE = 'portolan-ports.example';
const DNS_PORT = 53;
const DEFAULT_SECONDS = 60;
const LONGEST_SECONDS = 3600;
/** Between two looks at what has come, and after the last answer for what is still under way; milliseconds. */
const LOOK_MS = 100;
const LATE_MS = 300;

/** Judges a resolver by `count` queries; `limits` are those of this host. */
export async function judgeResolver(
  context: Context,
  count: number,
  limits: { readonly ephemeral: PortRange | null; readonly reserved: readonly PortRange[] | null },
): Promise<ResolverReport> {
  const { values } = context.args;
  const address = values.get('address') ?? DEFAULT_ADDRESS;
  if (isIP(address) === 0)
    throw new PortolanError('USAGE', `--address takes an IP address, not “${echo(address)}”.`);
  const asked = readEndpoint(values.get('ask'));
  const port = readPortNumber(values.get('port'));
  const name = readZone(values.get('zone'));
  const seconds = readSeconds(values.get('for'));
  const { openAuthority } = await import('../../dns-authority.ts');
  const authority = await openAuthority(address, port, name);
  try {
    const zone: TestZone = { name, authority: authority.at };
    if (asked === null) tell(context, zone, seconds);
    const end = performance.now() + seconds * 1000;
    const done =
      asked === null
        ? await wait(context, () => authority.queries.length >= count, end)
        : await (await import('../../dns-ask.ts')).askResolver(asked, name, count, end);
    if (done.sent > 0) await pause(LATE_MS);
    return resolverReport({
      zone,
      asked,
      ...done,
      queries: [...authority.queries],
      malformed: authority.malformed(),
      ephemeral: limits.ephemeral,
      reserved: limits.reserved,
    });
  } finally {
    await authority.close();
  }
}

/** The lines come before the queries can, and on standard error: standard output is the answer alone. */
function tell({ io, lang, unicode }: Context, zone: TestZone, seconds: number): void {
  const page = resolverSetupPage({ zone, setup: resolverSetup(zone) });
  io.err(renderTerminal(page, { lang, unicode, width: 80, color: false, fit: false }));
  io.err(`${lang.say(say('resolver.waiting', { count: seconds }))}\n`);
}

/** Waits until there is enough, the time is up, or somebody has had enough. */
async function wait(
  { io }: Context,
  enough: () => boolean,
  end: number,
): Promise<{ sent: number; answered: number }> {
  const stop = new AbortController();
  const off = io.onSignal(['SIGINT'], () => stop.abort());
  try {
    while (!stop.signal.aborted && !enough() && performance.now() < end) await pause(LOOK_MS);
  } finally {
    off();
  }
  return { sent: 0, answered: 0 };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** `127.0.0.1`, `127.0.0.1:5300`, `::1`, `[::1]:5300`. */
function readEndpoint(raw: string | undefined): Endpoint | null {
  if (raw === undefined) return null;
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(raw);
  const address = isIP(raw) > 0 ? raw : (match?.[1] ?? match?.[2] ?? '');
  const port = isIP(raw) > 0 || match?.[3] === undefined ? DNS_PORT : Number(match[3]);
  if (isIP(address) === 0 || port < 1 || port > 65_535)
    throw new PortolanError('USAGE', `--ask takes an IP address and perhaps a port, not “${echo(raw)}”.`, {
      hint: 'For example: --ask 127.0.0.1:5300 or --ask [::1]:5300',
    });
  return { address, port };
}

function readPortNumber(raw: string | undefined): number | null {
  if (raw === undefined) return null;
  const port = /^\d{1,5}$/.test(raw) ? Number(raw) : 0;
  if (port < 1 || port > 65_535)
    throw new PortolanError('USAGE', `--port takes 1 to 65535, not “${echo(raw)}”.`);
  return port;
}

/** Letters, digits and hyphens, in labels of up to 63 (RFC 1035 s2.3.1), leaving room for the names below it. */
function readZone(raw: string | undefined): string {
  const name = (raw ?? DEFAULT_ZONE).toLowerCase().replace(/\.$/, '');
  if (
    name.length > 200 ||
    !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(name)
  )
    throw new PortolanError('USAGE', `--zone takes a domain name, not “${echo(raw ?? '')}”.`);
  return name;
}

function readSeconds(raw: string | undefined): number {
  if (raw === undefined) return DEFAULT_SECONDS;
  const seconds = /^\d{1,4}$/.test(raw) ? Number(raw) : Number.NaN;
  if (!(seconds <= LONGEST_SECONDS))
    throw new PortolanError('USAGE', `--for takes 0 to ${LONGEST_SECONDS} seconds, not “${echo(raw)}”.`);
  return seconds;
}
