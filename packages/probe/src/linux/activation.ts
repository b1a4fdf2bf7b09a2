// Asks systemd which services its sockets are for.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Activation, Gap, Socket } from '@portolan/core';
import { parseSystemdSockets, type SystemdSocket } from '../parse/systemd-sockets.ts';
import { type SystemdInstance, systemdBehind } from './systemd.ts';

/** Where systemctl is. */
const SYSTEMCTL = ['/usr/bin/systemctl', '/bin/systemctl'];

/** How long it may take; systemd answers within milliseconds. */
const TIMEOUT_MS = 2000;

/** Most that is read of its answer. */
const ANSWER_LIMIT = 4 << 20;

const ARGUMENTS = [
  'list-sockets',
  '--all',
  '--full',
  '--show-types',
  '--no-legend',
  '--no-pager',
  '--no-ask-password',
  '--output=json',
];

/** What is needed of the outside. */
export interface ActivationOptions {
  readonly uid: number | null;
  /** Folder of the user's own sockets, for `systemctl --user`. */
  readonly runtimeDir: string | null;
}

/** Sockets that systemd holds, with the units they are for; a gap where systemd did not tell. */
export function readActivations(
  sockets: readonly Socket[],
  { uid, runtimeDir }: ActivationOptions,
): { sockets: readonly Socket[]; gaps: readonly Gap[] } {
  const behind = new Map<Socket, SystemdInstance>();
  for (const socket of sockets) {
    const instance = systemdBehind(socket, uid);
    if (instance !== null) behind.set(socket, instance);
  }
  const gaps: Gap[] = [];
  const rows = new Map<SystemdInstance, readonly SystemdSocket[]>();
  for (const instance of new Set(behind.values())) {
    const answer = ask(instance, runtimeDir);
    if (typeof answer === 'string') gaps.push(unreadable(answer, remedyFor(instance, behind)));
    else rows.set(instance, answer);
  }
  const found = sockets.map((socket) => {
    const instance = behind.get(socket);
    const activation = instance === undefined ? null : activationOf(socket, rows.get(instance) ?? []);
    return activation === null ? socket : { ...socket, activation };
  });
  return { sockets: found, gaps };
}

/** The rows, or why there are none. */
function ask(instance: SystemdInstance, runtimeDir: string | null): readonly SystemdSocket[] | string {
  if (instance === 'other-user') return 'the socket belongs to another user’s systemd';
  const program = SYSTEMCTL.find((file) => existsSync(file));
  if (program === undefined) return 'it is not installed';
  const user = instance === 'user';
  const ran = spawnSync(program, [...(user ? ['--user'] : []), ...ARGUMENTS], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    // A program that hangs may well ignore the polite signal.
    killSignal: 'SIGKILL',
    maxBuffer: ANSWER_LIMIT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      LC_ALL: 'C.UTF-8',
      SYSTEMD_COLORS: '0',
      ...(user && runtimeDir !== null
        ? { XDG_RUNTIME_DIR: runtimeDir, DBUS_SESSION_BUS_ADDRESS: `unix:path=${runtimeDir}/bus` }
        : {}),
    },
  });
  if (ran.error !== undefined) return (ran.error as NodeJS.ErrnoException).code ?? ran.error.message;
  if (ran.status !== 0) return firstLine(ran.stderr) ?? `exit code ${ran.status ?? ran.signal}`;
  const parsed = parseSystemdSockets(ran.stdout);
  return parsed.ok ? parsed.sockets : parsed.problem;
}

/** Longest reason that is kept of what systemctl says. */
const REASON_LIMIT = 200;

function firstLine(text: string): string | null {
  const line = text.trim().split('\n')[0]?.slice(0, REASON_LIMIT) ?? '';
  return line === '' ? null : line;
}

/** Nothing where two units have the same place, on different interfaces: which is which is not told. */
function activationOf(socket: Socket, rows: readonly SystemdSocket[]): Activation | null {
  const same = rows.filter(
    ({ transport, address, port }) =>
      transport === socket.transport && port === socket.local.port && address === socket.local.address,
  );
  const [first] = same;
  if (first === undefined || same.some(({ unit }) => unit !== first.unit)) return null;
  return { socketUnit: first.unit, serviceUnit: first.activates };
}

/** The command that shows it after all; systemd asks other users' managers since version 248, for root. */
function remedyFor(instance: SystemdInstance, behind: ReadonlyMap<Socket, SystemdInstance>): string | null {
  let whose = instance === 'user' ? '--user ' : '';
  if (instance === 'other-user') {
    const user = [...behind].find(([, of]) => of === instance)?.[0].user;
    if (user === undefined || user === null || !/^[a-z_][a-z0-9_-]*$/i.test(user)) return null;
    whose = `--user --machine=${user}@ `;
  }
  return `systemctl ${whose}list-sockets --show-types`;
}

function unreadable(reason: string, remedy: string | null): Gap {
  return { code: 'activation-unreadable', values: { reason }, remedy, coversUse: false, transports: [] };
}
