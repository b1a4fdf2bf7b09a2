// The runtimes that single files are made of, kept once they were fetched.
import { fetchMember } from '../kept.mjs';
import { TARGETS, VERSION } from './targets.mjs';

/** The program of a target's runtime, fetched where it is not there yet. Throws NotFetched. */
export function runtimeOf(target) {
  const { runtime, integrity } = TARGETS[target];
  const program = target.startsWith('windows') ? 'bun.exe' : 'bun';
  return fetchMember({ name: runtime, version: VERSION, integrity }, `bin/${program}`);
}
