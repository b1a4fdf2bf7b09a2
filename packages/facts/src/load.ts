// Opens the packed indexes and answers from them: the shipped claims, and the newer of two registries.
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BlockedPort,
  type Claim,
  type ClaimSet,
  type EphemeralDefault,
  PortolanError,
  type Source,
} from '@portolan/core';
import { updatedRegistryPath } from './data-dir.ts';
import { Pack, type PackHeader } from './pack.ts';

/** What the shipped claims carry beside claims. */
export interface Extras {
  readonly blocked: {
    readonly source: string;
    readonly asOf: string;
    readonly ports: readonly BlockedPort[];
  };
  readonly ephemeral: readonly EphemeralDefault[];
}

/** State of the facts, for `portolan facts`. */
export interface FactsInfo {
  /** The registry in use. */
  readonly registry: PackHeader;
  /** True where it is one that the user fetched. */
  readonly registryUpdated: boolean;
  readonly registryPath: string;
  readonly claims: PackHeader;
  readonly sources: number;
  readonly names: number;
  readonly blocked: number;
  readonly dataDir: string;
}

/** Options of `openFacts`. */
export interface FactsOptions {
  /** Folder with registry.pack and claims.pack, as the build made them. */
  readonly shipped: string;
  /** The user's data directory, or null to use the shipped registry alone. */
  readonly dataDir: string | null;
  /** Read whole files at once: for many look-ups. Else only the pieces a look-up needs are read. */
  readonly whole?: boolean;
}

/** The facts, open for questions. */
export interface Facts {
  /** Claims that cover a port, registry and own, and the sources they name. */
  claimsFor(port: number): ClaimSet;
  /** Every claim once. */
  allClaims(): readonly Claim[];
  /** A source by its id. Throws where a claim names one that is not there. */
  source(id: string): Source;
  /** Ids of every source. */
  sourceIds(): readonly string[];
  /** Ports a service or product name stands for, `443/tcp`; null where unknown. */
  portsOfName(name: string): readonly string[] | null;
  /** Every service and product name. */
  names(): readonly string[];
  extras(): Extras;
  info(): FactsInfo;
  close(): void;
}

/**
 * Opens the facts. Throws FACTS_MISSING where a shipped file is not there, FACTS_CORRUPT where a file is
 * damaged: an index that cannot be read must never look like a port without claims.
 */
export function openFacts(options: FactsOptions): Facts {
  const open: (() => void)[] = [];
  const openPack = (path: string, required: boolean): Pack | null =>
    openFile(path, required, options.whole === true, open);
  const claims = openPack(join(options.shipped, 'claims.pack'), true);
  const shipped = openPack(join(options.shipped, 'registry.pack'), true);
  const updatedPath = options.dataDir === null ? null : updatedRegistryPath(options.dataDir);
  const updated = updatedPath === null ? null : openPack(updatedPath, false);
  if (claims === null || shipped === null) throw new Error('unreachable: required files throw');
  // An update outlives the program that made it; a newer release may ship a newer edition than it.
  const useUpdated = updated !== null && updated.header.builtAt >= shipped.header.builtAt;
  const registry = useUpdated && updated !== null ? updated : shipped;
  const known = new Map<string, Source>();
  const source = (id: string): Source => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const found = registry.source(id) ?? claims.source(id) ?? shipped.source(id);
    if (found === null) {
      throw new PortolanError('FACTS_CORRUPT', `The facts name a source “${id}” that they do not hold.`, {
        hint: 'Install or build Portolan again.',
      });
    }
    known.set(id, found);
    return found;
  };
  let extras: Extras | null = null;
  return {
    claimsFor(port) {
      const official = registry.claims(port);
      const found = [...official, ...claims.claims(port).filter((claim) => !repeats(claim, official))];
      const sources: Record<string, Source> = {};
      for (const claim of found) sources[claim.source] ??= source(claim.source);
      return { claims: found, sources };
    },
    allClaims: () => [
      ...registry.all(),
      ...claims
        .all()
        .filter(
          (claim) => claim.authority !== 'registry' || !repeats(claim, registry.claims(claim.ports[0])),
        ),
    ],
    source,
    sourceIds: () => [...new Set([...registry.sourceIds(), ...claims.sourceIds()])],
    portsOfName: (name) => registry.portsOfName(name) ?? claims.portsOfName(name),
    names: () => [...new Set([...registry.names(), ...claims.names()])],
    extras() {
      extras ??= claims.extras() as Extras;
      return extras;
    },
    info() {
      extras ??= claims.extras() as Extras;
      return {
        registry: registry.header,
        registryUpdated: registry === updated,
        registryPath: registry.name,
        claims: claims.header,
        sources: new Set([...registry.sourceIds(), ...claims.sourceIds()]).size,
        names: new Set([...registry.names(), ...claims.names()]).size,
        blocked: extras.blocked.ports.length,
        dataDir: options.dataDir ?? '',
      };
    },
    close() {
      for (const close of open) close();
    },
  };
}

/** The project's own claims tell some registry entries again; the registry in use is the one to tell them. */
function repeats(claim: Claim, registry: readonly Claim[]): boolean {
  if (claim.authority !== 'registry') return false;
  const name = claim.service.toLowerCase();
  return registry.some(
    (entry) =>
      entry.service.toLowerCase() === name &&
      claim.transports.every((transport) => entry.transports.includes(transport)),
  );
}

/** What opening an updated registry says where there is none for this user. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM']);

/** What stands at the path is no file that could hold an index. */
class NotRegular extends Error {}

/** A named pipe without a writer would keep a plain open waiting for ever, and a device may never end. */
function openRegular(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = fstatSync(fd);
  if (stat.isFile()) return fd;
  closeSync(fd);
  throw new NotRegular(stat.isDirectory() ? 'it is a folder' : 'it is no regular file');
}

/** Folders of files that are embedded in a program made by Bun; they have no descriptors and are read whole. */
const EMBEDDED = /^(?:\/\$bunfs|[A-Z]:[\\/]~BUN)[\\/]/;

function openFile(path: string, required: boolean, whole: boolean, open: (() => void)[]): Pack | null {
  if (EMBEDDED.test(path)) return packOf(path, readFileSync(path));
  let fd: number;
  try {
    fd = openRegular(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    // Without the right to look there, an updated registry cannot be used; the shipped one answers as well.
    if (!required && ABSENT.has(code ?? '')) return null;
    const why = cause instanceof NotRegular ? cause.message : (code ?? 'unknown error');
    throw new PortolanError('FACTS_MISSING', `The facts index ${path} cannot be opened (${why}).`, {
      hint: required
        ? 'Install or build Portolan again.'
        : cause instanceof NotRegular
          ? '`portolan facts reset` takes it away, unless it is a folder.'
          : 'Mend its permissions, or run `portolan facts reset`.',
      cause,
    });
  }
  if (whole) {
    const bytes = readFileSync(fd);
    closeSync(fd);
    return packOf(path, bytes);
  }
  open.push(() => closeSync(fd));
  return new Pack(path, fstatSync(fd).size, (offset, length) => {
    const bytes = Buffer.allocUnsafe(length);
    const got = readSync(fd, bytes, 0, length, offset);
    return got === length ? bytes : bytes.subarray(0, got);
  });
}

function packOf(path: string, bytes: Buffer): Pack {
  return new Pack(path, bytes.length, (offset, length) => bytes.subarray(offset, offset + length));
}
