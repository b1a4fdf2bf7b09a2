// An sshd of our own in a network namespace: its keys, configuration and users in a temporary folder, and an ssh that knows
// them, first in PATH.
import { type ChildProcess, execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { checked } from '../cli/program.ts';
import { BIN, type Namespace, pause } from './namespace.ts';

/** Where it listens. */
export const SSH_PORT = 2222;
/** A user without rights, whom this machine need not have. */
export const PLAIN = { name: 'portolanplain', uid: 43_210 } as const;

export interface SshPlace {
  readonly folder: string;
  /** `user@127.0.0.1` with the port, as --host takes it. */
  at(user: string): string;
  /** Runs the built program in the namespace with this ssh; its exit code and what it wrote. */
  portolan(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** The same with --json, held against the schema. */
  json<T>(...args: string[]): Promise<T>;
}

/** Where busybox alone is there, and of that only these. */
export const BUSYBOX_ROOT = 'busybox-root';

interface Options {
  /** What root's and the user's key may run, in the place of a shell; `$HERE` is the folder. */
  readonly command?: string;
  /** Applets of a root folder that has nothing but busybox, and /proc. */
  readonly applets?: readonly string[];
}

/** Starts the sshd; it ends with the namespace. */
export async function sshPlace(ns: Namespace, { command, applets }: Options = {}): Promise<SshPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-sshd-'));
  chmodSync(folder, 0o755);
  ns.finally(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  for (const name of ['hostkey', 'key', 'stranger'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path(name)]);
  const forced = command === undefined ? '' : `command="${command.replaceAll('$HERE', folder)}" `;
  writeFileSync(path('authorized'), `${forced}${readFileSync(path('key.pub'), 'utf8')}`);
  const hostKey = readFileSync(path('hostkey.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(path('known'), `[127.0.0.1]:${SSH_PORT} ${hostKey}\n`);
  writeFileSync(
    path('sshd_config'),
    [
      `Port ${SSH_PORT}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${path('hostkey')}`,
      `AuthorizedKeysFile ${path('authorized')}`,
      'AuthenticationMethods publickey',
      'UsePAM no',
      'StrictModes no',
      'PidFile none',
      'PermitRootLogin yes',
      'LogLevel ERROR',
    ].join('\n'),
  );
  writeFileSync(
    path('ssh_config'),
    [
      'Host *',
      `  IdentityFile ${path('key')}`,
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      '  StrictHostKeyChecking yes',
      `  UserKnownHostsFile ${path('known')}`,
      '  GlobalKnownHostsFile /dev/null',
    ].join('\n'),
  );
  mkdirSync(path('bin'));
  writeFileSync(path('bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${path('ssh_config')}' "$@"\n`);
  chmodSync(path('bin/ssh'), 0o755);
  const passwd = readFileSync('/etc/passwd', 'utf8');
  writeFileSync(path('passwd'), `${passwd}${PLAIN.name}:*:${PLAIN.uid}:${PLAIN.uid}::${folder}:/bin/sh\n`);
  if (applets !== undefined) busyboxRoot(path(BUSYBOX_ROOT), applets);
  // Mounts of its own: the user is known to this sshd alone.
  const script = `mount --bind '${path('passwd')}' /etc/passwd && mkdir -p /run/sshd &&
${applets === undefined ? '' : `mount --rbind /proc '${path(BUSYBOX_ROOT)}/proc' &&`}
exec /usr/sbin/sshd -D -e -f '${path('sshd_config')}'`;
  const daemon = ns.background('unshare', ['--mount', 'sh', '-c', script]);
  await listening(ns, daemon);
  const run: SshPlace['portolan'] = (...args) =>
    ns.run('env', [`PATH=${path('bin')}:${process.env['PATH'] ?? ''}`, process.execPath, BIN, ...args]);
  return {
    folder,
    at: (user) => `ssh://${user}@127.0.0.1:${SSH_PORT}`,
    portolan: run,
    async json<T>(...args: string[]): Promise<T> {
      const { stdout, stderr } = await run(...args, '--json');
      expect(stderr).toBe('');
      return checked<T>(stdout);
    },
  };
}

/** Waits until somebody listens; throws with what sshd said where it has ended. */
async function listening(ns: Namespace, daemon: ChildProcess): Promise<void> {
  let said = '';
  daemon.stderr?.on('data', (text: Buffer) => {
    said += text.toString();
  });
  for (let tries = 0; tries < 200; tries++) {
    if (daemon.exitCode !== null) throw new Error(`sshd ended: ${said}`);
    const { holders } = await ns.who(SSH_PORT);
    if (holders.length > 0) return;
    await pause(50);
  }
  throw new Error(`sshd does not listen: ${said}`);
}

/** A root folder with busybox under the names of these applets, and the libraries that it wants. */
function busyboxRoot(root: string, applets: readonly string[]): void {
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
  for (const name of ['bin', 'proc', 'etc', 'dev']) mkdirSync(join(root, name), { recursive: true });
  for (const name of applets) copyFileSync(busybox, join(root, 'bin', name));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n');
  writeFileSync(join(root, 'dev/null'), '');
  let libraries = '';
  try {
    libraries = execFileSync('ldd', [busybox], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    // Linked statically.
  }
  for (const [library] of libraries.matchAll(/\/\S+/g)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}
