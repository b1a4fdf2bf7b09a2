// Whether Linux runs beside Windows in WSL, whose sockets Windows does not list.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Gap } from '@portolan/core';

/** Programs that run as long as a distribution of WSL does; names of processes may lack `.exe`. */
const SIGNS = /^(?:wslrelay|wslhost|wslservice|vmmemWSL|wsl)(?:\.exe)?$/i;

/** Longest .wslconfig that is read. */
const CONFIG_LIMIT = 1 << 16;

/** The gap, where one of these programs shows that WSL runs. In mirrored mode its ports are this host's, too. */
export function wslGap(names: readonly string[], mirrored: () => boolean): Gap | null {
  if (!names.some((name) => SIGNS.test(name))) return null;
  return {
    code: 'wsl',
    values: {},
    remedy: 'wsl -- ss -Htulpn',
    coversUse: mirrored(),
    transports: [],
  };
}

/** `networkingMode=mirrored` in the user's .wslconfig. */
export function isMirrored(config: string): boolean {
  return /^\s*networkingMode\s*=\s*"?mirrored"?\s*$/im.test(config);
}

/** Reads that file; false where there is none. */
export function readMirrored(): boolean {
  try {
    return isMirrored(readFileSync(join(homedir(), '.wslconfig'), 'utf8').slice(0, CONFIG_LIMIT));
  } catch {
    return false;
  }
}
