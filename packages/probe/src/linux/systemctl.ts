// Asks systemd about units and has it stop them, through systemctl(1) with fixed paths and argument lists.
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import type { UnitScope } from '@portolan/core';
import type { Told } from '../actions.ts';
import { parseUnitProperties } from '../parse/linux-systemctl.ts';

const PROGRAMS = ['/usr/bin/systemctl', '/bin/systemctl'];
/** There while systemd is pid 1 of the system (man sd_booted(3)). */
const BOOTED = '/run/systemd/system';
const ASK_MS = 5000;
const OUTPUT_LIMIT = 1 << 20;
/** Longest part of an answer that is told on. */
const DETAIL_LIMIT = 300;

interface Ran {
  readonly ok: boolean;
  readonly late: boolean;
  readonly out: string;
  readonly err: string;
}

/** The properties of a unit, or null where systemd is not there or does not answer. */
export async function unitProperties(
  unit: string,
  scope: UnitScope,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]> | null> {
  const ran = await systemctl(scope, ['show', `--property=${names.join(',')}`, '--', unit], ASK_MS);
  return ran?.ok === true ? parseUnitProperties(ran.out) : null;
}

/** Stops units in one go; null when they have stopped. */
export async function stopUnits(units: readonly string[], scope: UnitScope, waitMs: number): Promise<Told> {
  return told(await systemctl(scope, ['stop', '--', ...units], Math.max(waitMs, ASK_MS)));
}

/** Sends SIGKILL to all processes of units. */
export async function killUnits(units: readonly string[], scope: UnitScope): Promise<Told> {
  return told(await systemctl(scope, ['kill', '--signal=SIGKILL', '--', ...units], ASK_MS));
}

function told(ran: Ran | null): Told {
  if (ran === null) return 'systemctl is not here, or systemd does not run';
  if (ran.ok) return null;
  if (ran.late) return 'systemctl did not finish in time; systemd goes on stopping it';
  const words = ran.err.trim().replace(/\s+/g, ' ');
  return words === '' ? 'systemctl failed and did not say why' : words.slice(0, DETAIL_LIMIT);
}

function systemctl(scope: UnitScope, args: readonly string[], timeoutMs: number): Promise<Ran | null> {
  const program = PROGRAMS.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
  if (program === undefined || statSync(BOOTED, { throwIfNoEntry: false })?.isDirectory() !== true)
    return Promise.resolve(null);
  const runtime = `/run/user/${process.geteuid?.() ?? 0}`;
  const env = {
    PATH: '/usr/bin:/bin',
    LC_ALL: 'C.UTF-8',
    SYSTEMD_COLORS: '0',
    SYSTEMD_PAGER: '',
    ...(scope === 'user' && {
      XDG_RUNTIME_DIR: runtime,
      DBUS_SESSION_BUS_ADDRESS: `unix:path=${runtime}/bus`,
    }),
  };
  const all = [`--${scope}`, '--no-pager', '--no-ask-password', ...args];
  return new Promise((resolve) => {
    execFile(
      program,
      all,
      { env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: OUTPUT_LIMIT, encoding: 'utf8' },
      (error, out, err) => {
        resolve({ ok: error === null, late: error?.killed === true, out, err });
      },
    );
  });
}
