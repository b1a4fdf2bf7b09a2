// Names that processes choose for themselves are no part of the answer's form: whatever a process, its title, its
// executable or its folder is called, the pid is the real one and the text holds no control character and no line
// that the name forged (V4).
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OwnerV1 } from '@portolan/core';
import { expect } from 'vitest';
import { type ListV1, liveTest, type Namespace, only, pidsOf, type Step, scenario } from './namespace.ts';

const ESC = '\u001b';

/** The names, by what is wrong with them. */
const HOSTILE: Readonly<Record<string, string>> = {
  'a number between words': 'svc 4242 x',
  'a colon and a number': 'worker:77 y',
  'the form of ss': 'pid=4242',
  'quotes as ss writes them': 'a",pid=7,b',
  'the form of /proc/PID/stat': 'a) R 1 (b',
  'a line of its own': 'x\nFORGED 22 tcp listener',
  'a carriage return': 'x\rFORGED 22 tcp',
  'a tab': 'x\tFORGED',
  'an escape sequence': `${ESC}[2J${ESC}]0;FORGED\u0007`,
  'a C1 control': '\u009b31mFORGED',
  'a bidi override': '\u202egpj.exe',
  'bidi isolates': '\u2066x\u2069',
  'a line separator': '\u2028FORGED 22 tcp',
  'no width': 'ev\u200bil\ufeff',
  'delete and backspace': 'a\u007fb\u0008c',
  'tag characters': 'x\u{e0041}\u{e0042}',
  JSON: '"},{"pid":4242,"x":"',
  'a shell': "$(id);`id`'",
};

/** C0 but the newline, DEL, C1, soft hyphen, zero-width, bidi, separators, BOM, tags: what may not be printed raw. */
const RAW =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;

/** The colours we write ourselves. */
const OWN_COLOUR = new RegExp(`${ESC}\\[[0-9;]*m`, 'g');

/** What a command prints, checked to be plain. */
async function plain(ns: Namespace, command: readonly string[], colour = 'never'): Promise<string> {
  const ran = await ns.portolan([...command, '--here', '--color', colour]);
  const what = `portolan ${command.join(' ')} --color ${colour}`;
  expect(ran.code, `${what}: ${ran.stderr}`).toBe(0);
  expect(ran.stderr, what).toBe('');
  const text = colour === 'always' ? ran.stdout.replace(OWN_COLOUR, '') : ran.stdout;
  expect(text, what).not.toBe('');
  expect(RAW.exec(text), `${what}: ${JSON.stringify(text)}`).toBeNull();
  const forged = text.split('\n').filter((line) => line.trimStart().startsWith('FORGED'));
  expect(forged, what).toEqual([]);
  return text;
}

/** Every output of the program about these ports, checked to be plain and to name the right processes. */
async function expectPlain(ns: Namespace, pids: ReadonlyMap<number, number>): Promise<void> {
  for (const command of [['list'], ['list', '--all']]) {
    for (const colour of ['never', 'always']) {
      const rows = (await plain(ns, command, colour)).split('\n').filter((line) => ROW.test(line));
      expect(rows.map((line) => Number(ROW.exec(line)?.[1]))).toEqual([...pids.keys()]);
      for (const [index, pid] of [...pids.values()].entries()) expect(rows[index]).toContain(` ${pid} `);
    }
  }
  for (const [port, pid] of pids) {
    expect(await plain(ns, ['who', String(port)], 'always')).toContain(`pid ${pid}`);
    expect(await plain(ns, [String(port)])).toContain(`pid ${pid}`);
  }
  const json = await ns.portolan(['list', '--json', '--here']);
  expect(RAW.exec(json.stdout)).toBeNull();
  const { holders } = JSON.parse(json.stdout) as ListV1;
  expect(holders.map((holder) => [holder.local.port, pidsOf(holder)])).toEqual(
    [...pids].map(([port, pid]) => [port, [pid]]),
  );
}

/** A row of the table of `list`. */
const ROW = /^\s*(\d+)\/(?:tcp|udp)\s/;

type Child = Omit<Extract<Step, { op: 'spawn' }>, 'op' | 'as' | 'inherit' | 'file'> & {
  readonly file?: string;
};

/** Opens a listener, hands it to a child and keeps nothing of it. The child's pid. */
async function handOver({ robot }: Namespace, port: number, child: Child): Promise<number> {
  const [, pid] = await robot.steps(
    { op: 'open', as: 'l', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', port], listen: 8 },
    { op: 'spawn', as: `child ${port}`, file: process.execPath, ...child, inherit: ['l'] },
    { op: 'close', of: 'l' },
  );
  return pid ?? 0;
}

/** One child per hostile name, from port 6200 on: which pid has which port. */
async function oneEach(ns: Namespace, make: (name: string) => Child): Promise<Map<number, number>> {
  const pids = new Map<number, number>();
  for (const name of Object.values(HOSTILE)) {
    const port = FIRST_PORT + pids.size;
    pids.set(port, await handOver(ns, port, make(name)));
  }
  return pids;
}

const FIRST_PORT = 6200;
const SIT = scenario('sit.mjs');

/** The owners of the hostile ports, in the order of the names. */
async function ownersOf(ns: Namespace): Promise<OwnerV1[]> {
  const { holders } = await ns.list();
  expect(holders).toHaveLength(Object.keys(HOSTILE).length);
  return holders.map((holder) => only(holder.owners));
}

/** A folder of our own that goes with the test. */
function folder(ns: Namespace): string {
  const path = mkdtempSync(join(tmpdir(), 'portolan-live-'));
  ns.finally(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

liveTest('hostile first arguments', {}, async (ns) => {
  const pids = await oneEach(ns, (argv0) => ({ args: [SIT], argv0 }));
  const owners = await ownersOf(ns);
  expect(owners.map((owner) => owner.argv?.[0])).toEqual(Object.values(HOSTILE));
  await expectPlain(ns, pids);
});

liveTest('hostile process titles and command names', {}, async (ns) => {
  // Arguments make room for the title, which takes their place.
  const pids = await oneEach(ns, (name) => ({ args: [SIT, name, 'x'.repeat(100)] }));
  for (const port of pids.keys()) await ns.robot.steps({ op: 'said', of: `child ${port}` });
  const owners = await ownersOf(ns);
  expect(owners.map((owner) => owner.argv?.[0])).toEqual(Object.values(HOSTILE));
  await expectPlain(ns, pids);
});

liveTest('hostile names of executables and working folders', {}, async (ns) => {
  const base = folder(ns);
  const original = join(base, 'node');
  copyFileSync(process.execPath, original);
  const paths: { exe: string; cwd: string; name: string }[] = [];
  const pids = await oneEach(ns, (name) => {
    // A slash is the one thing no file name may hold.
    expect(name).not.toContain('/');
    const exe = join(base, name);
    const cwd = join(base, `in ${name}`);
    linkSync(original, exe);
    mkdirSync(cwd);
    paths.push({ exe, cwd, name });
    return { file: exe, args: [SIT], cwd };
  });
  const owners = await ownersOf(ns);
  expect(owners.map(({ exe, cwd, name }) => ({ exe, cwd, name }))).toEqual(paths);
  await expectPlain(ns, pids);
});

liveTest('an executable whose name is no text at all', {}, async (ns) => {
  const base = folder(ns);
  // A lone C1 byte and half a character: no valid UTF-8, and a control sequence to a terminal that is not UTF-8.
  const script = 'f="$1/$(printf "x\\233\\061m\\303")" && cp "$2" "$f" && shift 2 && exec "$f" "$@"';
  const args = ['-c', script, 'sh', base, process.execPath, SIT, 'x', 'y'.repeat(100)];
  const pid = await handOver(ns, FIRST_PORT, { file: 'sh', args });
  await ns.robot.steps({ op: 'said', of: `child ${FIRST_PORT}` });
  const owner = only(only((await ns.list()).holders).owners);
  expect(owner.pid).toBe(pid);
  expect(owner.name).toMatch(/^x\ufffd1m/);
  await expectPlain(ns, new Map([[FIRST_PORT, pid]]));
});

liveTest(
  'a command name that looks like a line of /proc/PID/status does not change the user',
  {},
  async (ns) => {
    await ns.robot.steps(
      { op: 'title', text: 'a\nUid:\t9\t9\t9\t9' },
      { op: 'open', as: 'l', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', FIRST_PORT], listen: 8 },
    );
    const owner = only(only((await ns.list()).holders).owners);
    expect(owner.pid).toBe(ns.robot.pid);
    // Root, or mapped to root in a user namespace of our own.
    expect(owner.user).toBe('root');
  },
);

liveTest('an executable that was removed is named without the kernel’s remark', {}, async (ns) => {
  const exe = join(folder(ns), 'gone');
  copyFileSync(process.execPath, exe);
  const pid = await handOver(ns, FIRST_PORT, { file: exe, args: [SIT, 'x', 'y'.repeat(100)] });
  await ns.robot.steps({ op: 'said', of: `child ${FIRST_PORT}` });
  rmSync(exe);
  const owner = only(only((await ns.list()).holders).owners);
  expect(owner).toMatchObject({ pid, name: 'gone' });
});
