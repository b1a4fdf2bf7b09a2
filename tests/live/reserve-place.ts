// What the tests of `reserve` stand on: a namespace's list, drop-ins under folders of their own, and the program run there.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReserveV1 } from '@portolan/core';
import { checked } from '../cli/program.ts';
import type { Namespace } from './namespace.ts';

/** The running list. */
export const LIST: string = '/proc/sys/net/ipv4/ip_local_reserved_ports';
/** The port that is asked for. */
export const PORT: number = 60_163;

/** An answer and its exit code. */
export interface Answer extends ReserveV1 {
  readonly code: number | null;
}

/** `reserve …` or `unreserve … --json` with drop-ins under `root`. */
export async function run(
  ns: Namespace,
  root: string,
  words: string,
  as: { uid?: number } = {},
): Promise<Answer> {
  const ran = await ns.portolan([...words.split(' '), '--json', '--config-root', root], as);
  if (ran.stdout === '') throw new Error(`exit ${ran.code}: ${ran.stderr}`);
  return { ...checked<ReserveV1>(ran.stdout), code: ran.code };
}

/** A root of its own; gone with the namespace. */
export function folder(ns: Namespace): string {
  const root = mkdtempSync(join(tmpdir(), 'portolan-reserve-'));
  ns.finally(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** The running list as the kernel tells it. */
export async function list(ns: Namespace): Promise<string> {
  return (await ns.run('cat', [LIST])).stdout.trim();
}

/** Replaces it. */
export async function setList(ns: Namespace, text: string): Promise<void> {
  await ns.robot.step({ op: 'write', path: LIST, text: `${text}\n` });
}

/** Path of the drop-in below a root. */
export function dropIn(root: string): string {
  return join(root, 'etc', 'sysctl.d', 'zz-portolan.conf');
}

/** Every file below a folder with its text. */
export function tree(root: string): Record<string, string | null> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted();
  return Object.fromEntries(
    names.map((name) => {
      try {
        return [name, readFileSync(join(root, name), 'utf8')];
      } catch {
        return [name, null];
      }
    }),
  );
}
