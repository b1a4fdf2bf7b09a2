// The profiles that ship: the ports of products, kept apart from the packs because only an audit asks for them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PortolanError, type Profile } from '@portolan/core';

/** Every shipped profile, by name. Throws FACTS_MISSING where the file is not there, FACTS_CORRUPT where it is damaged. */
export function shippedProfiles(shipped: string): readonly Profile[] {
  const path = join(shipped, 'profiles.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PortolanError('FACTS_MISSING', `The profiles ${path} cannot be read.`, {
      hint: 'Install or build Portolan again.',
      cause,
    });
  }
  try {
    return JSON.parse(text) as Profile[];
  } catch (cause) {
    throw new PortolanError('FACTS_CORRUPT', `The profiles ${path} are damaged.`, {
      hint: 'Install or build Portolan again.',
      cause,
    });
  }
}
