// `facts update`: fetches or reads IANA's registry, checks it, and swaps it in whole or not at all.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Claim, PortolanError, type Source, TRANSPORTS } from '@portolan/core';
import { updatedRegistryPath } from './data-dir.ts';
import { type Facts, openFacts } from './load.ts';
import { namesOf } from './names.ts';
import { encodePack, type PackHeader } from './pack.ts';
import { parseIanaXml, XML_SOURCE } from './registry/iana-xml.ts';
import { FRESH_SOURCE } from './registry/npm.ts';

/** Where IANA publishes the registry. */
export const IANA_URL =
  'https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.xml';

const REGISTRY_TITLE = 'IANA Service Name and Transport Protocol Port Number Registry';

/** Largest file that is taken, unpacked, in bytes; the registry is about 5 MB with its contact list. */
const SIZE_LIMIT = 64 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
const MS_PER_DAY = 86_400_000;

/** An update may lose this share of the numbered claims and no more: a shorter file is a broken one. */
const LEAST_SHARE = 0.9;

/** What an update did. */
export interface UpdateResult {
  readonly changed: boolean;
  readonly before: PackHeader;
  readonly after: PackHeader;
  /** Claims kept from the newer shipped edition, which the older file lacks. */
  readonly kept: number;
  readonly path: string;
}

/** Options of `updateRegistry`. */
export interface UpdateOptions {
  readonly shipped: string;
  readonly dataDir: string;
  /** http(s) URL or file path, gzip allowed. */
  readonly from: string;
  readonly now: Date;
  readonly signal?: AbortSignal;
  /** Fewest numbered records a registry may have; for tests that write small ones. */
  readonly fewest?: number;
}

/** Updates the registry. Throws FACTS_UPDATE or DATA_DIR, and then nothing has changed. */
export async function updateRegistry(options: UpdateOptions): Promise<UpdateResult> {
  const facts = openForUpdate(options);
  try {
    const before = facts.info().registry;
    const path = updatedRegistryPath(options.dataDir);
    const fetched = await obtain(options, before.from === options.from ? before.etag : null);
    if (fetched === null) return { changed: false, before, after: before, kept: 0, path };
    const own = facts.allClaims();
    const misused = new Set(own.filter(isOwnMisuse).flatMap((claim) => numbers(claim)));
    const edition = parseIanaXml(fetched.text, misused, options.fewest);
    if (Date.parse(edition.date) > options.now.getTime() + MS_PER_DAY) {
      throw refuse(`it is dated ${edition.date}, which is to come`);
    }
    const kept = edition.date < shippedDate(facts) ? missingFrom(edition.claims, shippedClaims(options)) : [];
    const claims = [...edition.claims, ...kept];
    const present = own.filter((claim) => claim.id.startsWith('iana:')).length;
    if (claims.length < present * LEAST_SHARE) {
      throw new PortolanError(
        'FACTS_UPDATE',
        `The registry file was refused: it gives ${claims.length} claims where ${present} are known now.`,
        { hint: 'Nothing was changed. The file looks cut short; fetch it again.' },
      );
    }
    const after: PackHeader = {
      kind: 'registry',
      edition: edition.date,
      date: edition.date,
      builtAt: options.now.toISOString(),
      claims: claims.length,
      etag: fetched.etag,
      from: options.from,
    };
    const xmlSource: Source = {
      ...(options.from === IANA_URL
        ? { title: REGISTRY_TITLE, url: IANA_URL.replace(/xml$/, 'xhtml') }
        : // Whoever gives the file is answerable for it; it is not cited as IANA's own.
          { title: `${REGISTRY_TITLE}, as read from a file given by the user`, url: options.from }),
      date: edition.date,
      edition: edition.date,
    };
    const sources: Record<string, Source> = { [XML_SOURCE]: xmlSource };
    for (const claim of kept) sources[claim.source] ??= facts.source(claim.source);
    const bytes = encodePack({ header: after, claims, sources, names: namesOf(claims), extras: {} });
    swapIn(path, bytes);
    return { changed: true, before, after, kept: kept.length, path };
  } finally {
    facts.close();
  }
}

/** Drops an updated registry; true where there was one. */
export function resetRegistry(dataDir: string): boolean {
  const path = updatedRegistryPath(dataDir);
  try {
    rmSync(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw dataDirError(path, cause);
  }
}

/** A damaged updated registry must not keep the user from replacing it. */
function openForUpdate(options: UpdateOptions): Facts {
  try {
    const facts = openFacts({ shipped: options.shipped, dataDir: options.dataDir, whole: true });
    facts.allClaims();
    return facts;
  } catch (error) {
    if (!(error instanceof PortolanError) || error.code !== 'FACTS_CORRUPT') throw error;
    return openFacts({ shipped: options.shipped, dataDir: null, whole: true });
  }
}

function isOwnMisuse(claim: Claim): boolean {
  return claim.authority === 'observed' && !claim.id.startsWith('iana:');
}

function numbers(claim: Claim): number[] {
  return Array.from({ length: claim.ports[1] - claim.ports[0] + 1 }, (_, i) => claim.ports[0] + i);
}

/** Date of the fresh package's edition, the newest registry this program ships. */
function shippedDate(facts: Facts): string {
  return facts.source(FRESH_SOURCE).date ?? '';
}

/** Claims this program ships; those in use may be of an update that needed none of them. */
function shippedClaims(options: UpdateOptions): readonly Claim[] {
  const facts = openFacts({ shipped: options.shipped, dataDir: null, whole: true });
  try {
    return facts.allClaims();
  } finally {
    facts.close();
  }
}

/** Assignments of the shipped edition that an older file says nothing about, each for the transports it lacks. */
function missingFrom(claims: readonly Claim[], known: readonly Claim[]): Claim[] {
  const covered = new Set<string>();
  const ids = new Set<string>();
  for (const claim of claims) {
    ids.add(claim.id);
    if (claim.authority !== 'registry') continue;
    const transports = claim.transports.length === 0 ? TRANSPORTS : claim.transports;
    for (const port of numbers(claim))
      for (const transport of transports) covered.add(`${port}/${transport}`);
  }
  return known.flatMap((claim) => {
    if (claim.source !== FRESH_SOURCE || claim.authority !== 'registry') return [];
    const transports = claim.transports.filter((transport) => !covered.has(`${claim.ports[0]}/${transport}`));
    if (transports.length === 0) return [];
    // The file may have the same name on the same number for another transport.
    const id = ids.has(claim.id) ? `${claim.id}:${transports.join('+')}` : claim.id;
    return [{ ...claim, id, transports }];
  });
}

interface Fetched {
  readonly text: string;
  readonly etag: string | null;
}

/** The file's text; null where the server says it has not changed. */
async function obtain(options: UpdateOptions, etag: string | null): Promise<Fetched | null> {
  if (/^https?:\/\//i.test(options.from)) return download(options.from, etag, options.signal);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(options.from))
    throw refuse(`“${options.from}” is neither an http(s) address nor a file`);
  return { text: decode(readBounded(options.from)), etag: null };
}

function readBounded(path: string): Buffer {
  let fd: number;
  try {
    // A pipe without a writer would keep a plain open waiting for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw refuse(
      `${path} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      cause,
    );
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw refuse(`${path} is ${stat.isDirectory() ? 'a folder' : 'no regular file'}`);
    // Read in pieces: the file may grow while it is read.
    const parts: Buffer[] = [];
    for (let total = 0; ; ) {
      const part = Buffer.allocUnsafe(1 << 20);
      const got = readSync(fd, part, 0, part.length, null);
      if (got === 0) return Buffer.concat(parts);
      total += got;
      if (total > SIZE_LIMIT) throw tooLarge();
      parts.push(part.subarray(0, got));
    }
  } finally {
    closeSync(fd);
  }
}

async function download(
  url: string,
  etag: string | null,
  signal: AbortSignal | undefined,
): Promise<Fetched | null> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { accept: 'application/xml, text/xml', ...(etag === null ? {} : { 'if-none-match': etag }) },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    if (response.status === 304 && etag !== null) return null;
    // Anything but the whole file, a part of it for instance, is none.
    if (response.status !== 200) throw refuse(`${url} answered ${response.status} ${response.statusText}`);
    const parts: Uint8Array[] = [];
    let total = 0;
    if (response.body === null) throw refuse(`${url} sent nothing`);
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      total += part.length;
      if (total > SIZE_LIMIT) throw tooLarge();
      parts.push(part);
    }
    return { text: decode(Buffer.concat(parts)), etag: response.headers.get('etag') };
  } catch (cause) {
    if (cause instanceof PortolanError) throw cause;
    const reason =
      cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : String(cause);
    throw new PortolanError('FACTS_UPDATE', `The registry could not be fetched from ${url}: ${reason}.`, {
      hint: 'Nothing was changed; the registry in use still answers. With a file at hand: portolan facts update --from FILE',
      cause,
    });
  }
}

function decode(bytes: Buffer): string {
  let plain = bytes;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      plain = gunzipSync(bytes, { maxOutputLength: SIZE_LIMIT });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
      throw refuse(`it is damaged gzip data (${(cause as Error).message})`, cause);
    }
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch (cause) {
    throw refuse('it is not UTF-8 text', cause);
  }
}

/** Writes beside the target, makes it durable, reads it back, then renames over the target in one step. */
function swapIn(path: string, bytes: Buffer): void {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(temporary, 'wx', 0o644);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (!readFileSync(temporary).equals(bytes)) throw new Error('what was written does not read back');
    renameSync(temporary, path);
  } catch (cause) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // Where the folder itself cannot be had there is no file to take away either.
    }
    throw dataDirError(path, cause);
  }
}

function dataDirError(path: string, cause: unknown): PortolanError {
  const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
  return new PortolanError('DATA_DIR', `The data directory ${dirname(path)} cannot be written (${reason}).`, {
    hint: 'Nothing was changed. Mend its permissions, or name another one in PORTOLAN_DATA_DIR.',
    cause,
  });
}

function tooLarge(): PortolanError {
  return refuse(`it is larger than ${SIZE_LIMIT / 1024 / 1024} MiB`);
}

function refuse(why: string, cause?: unknown): PortolanError {
  return new PortolanError('FACTS_UPDATE', `The registry file was refused: ${why}.`, {
    hint: 'Nothing was changed; the registry in use still answers.',
    cause,
  });
}
