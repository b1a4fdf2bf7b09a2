// Reads the reviewed data files and the exception lists from disk.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EphemeralDefault } from '@portolan/core';
import type { BlockedFile, ClaimFile, Exception, FactsData, ProfileFile, SourceRow } from './rule.ts';
import {
  BLOCKED_FILE,
  claimsPath,
  EPHEMERAL_FILE,
  HTTP_URLS_FILE,
  profilePath,
  SOURCES_FILE,
  UNUSED_SOURCES_FILE,
} from './rule.ts';

/** The package's folder. */
export const FACTS_ROOT: string = join(import.meta.dirname, '..');

/** Reads everything under `root`; a missing or malformed file throws with its name. */
export function readFacts(root: string = FACTS_ROOT): FactsData {
  const files = readdirSync(join(root, claimsPath(''))).sort();
  return {
    claimFiles: files.map((file) => ({
      file,
      claims: readJson(root, claimsPath(file)) as ClaimFile['claims'],
    })),
    sources: readJson(root, SOURCES_FILE) as Readonly<Record<string, SourceRow>>,
    blocked: readJson(root, BLOCKED_FILE) as BlockedFile,
    profiles: readdirSync(join(root, profilePath('')))
      .sort()
      .map((file) => ({ file, profile: readJson(root, profilePath(file)) as ProfileFile['profile'] })),
    ephemeral: readJson(root, EPHEMERAL_FILE) as readonly EphemeralDefault[],
    exceptions: {
      unusedSources: readExceptions(root, UNUSED_SOURCES_FILE),
      httpUrls: readExceptions(root, HTTP_URLS_FILE),
    },
  };
}

function readJson(root: string, path: string): unknown {
  const text = readFileSync(join(root, path), 'utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is not JSON`, { cause });
  }
}

/** Lines `key: reason`; `#` starts a comment line. The key ends at the first `: `, so it may be a URL. */
function readExceptions(root: string, path: string): readonly Exception[] {
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  return lines.flatMap((line) => {
    if (line === '' || line.startsWith('#')) return [];
    const at = line.indexOf(': ');
    const reason = at === -1 ? '' : line.slice(at + 2).trim();
    if (reason === '') throw new Error(`${path}: no reason given in "${line}"`);
    return [{ key: line.slice(0, at), reason }];
  });
}
