// The built program with --host: what it gives to ssh, several hosts, and hosts that hang, lie, or break off.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { fakeSsh } from './fake-ssh.ts';
import { checked, environment, expectTold, type Outcome, PROGRAM, portolan } from './program.ts';

interface Gaps {
  gaps: { what: string; why: string; remedy: string | null }[];
}
interface HostLine {
  format: string;
  host: string;
  exit: number;
  answer: ({ format: string; verdict?: string } & Gaps) | null;
  error: { message: string; hint: string | null } | null;
}

const ssh = fakeSsh({
  box: 'exec sh',
  // A message of the day, and a shell that talks.
  chatty: 'echo "Welcome to box"; printf "\\377\\376 \\033[31m no end of line"; echo "banner" >&2; exec sh',
  hang: 'echo $$ >"$HERE/hang"; exec sleep 100',
  // It begins to answer and then says nothing more.
  stuck: 'sh | head -c 3000; exec sleep 100',
  // All tables but the first are missing.
  cut: 'sh | head -c 6000',
  flood: 'exec cat /dev/zero',
  // The boundary is read from the script, as only the host itself can.
  overfull:
    'while read -r line; do case $line in b=*) b=${line#b=}; break;; esac; done; printf "\\n%s hello\\n\\n%s uname\\n" "$b" "$b"; exec cat /dev/zero',
  noshell: 'echo "This account is currently not available."; exit 1',
  stranger: 'echo "Host key verification failed." >&2; exit 255',
  evil: 'while read -r line; do case $line in b=*) b=${line#b=}; break;; esac; done; for n in hello ../../../../../../tmp/portolan-evil 1/../../../portolan-evil end over; do printf "\\n%s %s\\nx\\n" "$b" "$n"; done; exec cat >/dev/null',
  words: 'printf "\\033]0;title\\007\\033[31mred\\nline two\\n" >&2; exit 255',
});
afterAll(() => ssh.remove());
afterEach(() => {
  // Whatever became of it, no folder of ours is left.
  const names = [tmpdir(), '/dev/shm']
    .filter((place) => existsSync(place))
    .flatMap((place) => readdirSync(place));
  expect(names.filter((name) => isLeft(name))).toEqual([]);
});

/** A folder whose run has ended; those of runs that go on are other tests'. */
function isLeft(name: string): boolean {
  const pid = /^portolan-host-(\d+)-/.exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

const ask = (...args: string[]): Promise<Outcome> => portolan(args, { env: ssh.env });
const lines = (out: string): HostLine[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => checked<HostLine>(line));

/** A listener of this very process, which the fake hosts see as theirs. */
const server = createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => {
  server.once('listening', resolve);
});
afterAll(() => server.close());
const PORT = String((server.address() as { port: number }).port);

describe('what ssh is given', () => {
  test('a list of arguments, with the host behind --', async () => {
    const before = ssh.calls().length;
    expect((await ask('who', PORT, '--host', 'box')).code).toBe(0);
    const call = ssh.calls()[before] ?? [];
    expect(call.slice(-3)).toEqual(['--', 'box', 'exec sh']);
    expect(call).toContain('-T');
    expect(call).toContain('BatchMode=yes');
    expect(call.some((word) => /^ConnectTimeout=\d+$/.test(word))).toBe(true);
  });

  test.each([
    '-oProxyCommand=touch x',
    '--',
    'a b',
    'a\tb',
    'user@-x',
    '-l@box',
    '$(id)',
    'box;id',
    'box|id',
    "bo'x",
    'user`id`@box',
    'us er@box',
    'user\\@box',
    'ssh://-oA=b',
    'ssh://box:99999',
    'ssh://box:0',
    'box/path',
    'box,,box2',
    'b\u202eox',
    '@box',
    'x'.repeat(400),
  ])('%j is no host, and ssh is not called', async (host) => {
    const before = ssh.calls().length;
    expectTold(await ask('list', `--host=${host}`), 2, /--host: (.* is no host that ssh|a host is missing)/);
    expect(ssh.calls()).toHaveLength(before);
  });

  test('a wrong word is told before any host is asked', async () => {
    const before = ssh.calls().length;
    for (const args of [
      ['who', '70000'],
      ['list', 'x'],
      ['list', '--host-timeout', '0'],
      ['list', '--snapshot', 'x'],
      ['list', '--procfs-root', '/proc'],
    ])
      expect((await ask(...args, '--host', 'box')).code).toBe(2);
    for (const command of ['watch', 'kill', 'pick', 'ephemeral', 'reserve', 'search', 'facts'])
      expectTold(await ask(command, '--host', 'box'), 2, new RegExp(`${command} takes no --host: `));
    expect((await ask('audit', '--sarif', '--host', 'a,b')).code).toBe(2);
    expect(ssh.calls()).toHaveLength(before);
  });

  test('no ssh at all', async () => {
    const outcome = await portolan(['list', '--host', 'box'], { env: { PATH: '/nonexistent' } });
    expectTold(outcome, 3, /There is no ssh here/);
  });
});

describe.skipIf(process.platform !== 'linux')('one host', () => {
  test.each(['box', 'chatty'])('%s: who, list, PORT, why and audit, by the contract', async (host) => {
    const who = await ask('who', PORT, '--host', host, '--json');
    expect(checked(who.out)).toMatchObject({
      format: 'portolan.who/1',
      verdict: 'held',
      holders: [{ kind: 'listener', owners: [{ pid: process.pid }] }],
    });
    expect([who.code, who.err]).toEqual([0, '']);
    const why = await ask('why', PORT, '--address', '127.0.0.1', '--host', host, '--json');
    expect(checked(why.out)).toMatchObject({ bindable: false, errno: null, causes: [{ kind: 'listener' }] });
    expect(why.code).toBe(1);
    const formats = ['report', 'list', 'audit'];
    for (const [index, args] of [[PORT], ['list'], ['audit']].entries()) {
      const { out, code, err } = await ask(...args, '--host', host, '--json');
      expect(checked(out)['format']).toBe(`portolan.${formats[index]}/1`);
      expect(err).toBe('');
      expect(code).toBeLessThan(2);
    }
  });

  test('what helps is to be run there and not here', async () => {
    const { out } = await ask('40000', '--host', 'box', '--json');
    const { risks } = checked<{ risks: { remedies: { commands: string[]; undo: string[] }[] }[] }>(out);
    const commands = risks.flatMap(({ remedies }) =>
      remedies.flatMap((each) => [...each.commands, ...each.undo]),
    );
    expect(commands).toContain("ssh -t box 'sudo portolan reserve 40000 --apply'");
    expect(commands.every((command) => command.startsWith('ssh -t box '))).toBe(true);
  });

  test('Ctrl-C ends it, and its ssh', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'list', '--host', 'hang'], {
      env: environment(ssh.env),
      stdio: 'ignore',
    });
    const file = join(ssh.folder, 'hang');
    rmSync(file, { force: true });
    while (!existsSync(file) || readFileSync(file, 'utf8') === '') await pause(20);
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect(code).toBe(130);
    const pid = Number(readFileSync(file, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  test('what that host lacks is told, with what would show it', async () => {
    const { gaps } = checked<Gaps>((await ask('list', '--host', 'box', '--json')).out);
    expect(gaps.find(({ what }) => what.startsWith('on box: '))).toMatchObject({ remedy: null });
    expect(gaps.map(({ remedy }) => remedy)).toContain('ssh box ss -tan --bound-inactive');
    const { out } = await ask('list', '--host', 'box', '--lang', 'cs');
    expect(out).toMatch(/na box:/);
  });
});

describe.skipIf(process.platform !== 'linux')('hosts that fail', () => {
  test('ssh’s own words', async () => {
    expectTold(
      await ask('list', '--host', 'stranger'),
      3,
      /could not be reached\. ssh said: Host key verification failed\./,
    );
    expectTold(await ask('list', '--host', 'noone'), 3, /Connection refused/);
    expectTold(await ask('list', '--host', 'noshell'), 3, /noshell gave no answer \(ssh ended with 1\)/);
  });

  test('words that would act on a terminal', async () => {
    const { err, code } = await ask('list', '--host', 'words');
    expect(code).toBe(3);
    expect(err).not.toMatch(/[\u0007\u001b]/);
    expect(err).toMatch(/line two/);
  });

  test('one that hangs is given up, and its ssh with it', async () => {
    expectTold(await ask('list', '--host', 'hang', '--host-timeout', '1'), 3, /no answer within 1 seconds/);
    const pid = readFileSync(join(ssh.folder, 'hang'), 'utf8').trim();
    expect(() => process.kill(Number(pid), 0)).toThrow(/ESRCH/);
  });

  test('one that stops or breaks off: what came is shown, and nothing is called free', async () => {
    for (const [host, why] of [
      ['stuck', /not done after 2 s/],
      ['cut', /ended in the middle/],
    ] as const) {
      const { out, code } = await ask('who', '1', '--host', host, '--host-timeout', '2', '--json');
      const answer = checked<Gaps & { verdict: string }>(out);
      expect(answer.verdict).toBe('unknown');
      expect(code).toBe(3);
      expect(answer.gaps.some((gap) => why.test(gap.why))).toBe(true);
    }
  });

  test('one that sends without end', async () => {
    expectTold(await ask('list', '--host', 'flood'), 3, /sent a great deal, and no answer in it/);
    const { out, code } = await ask('who', '1', '--host', 'overfull', '--json');
    expect(code).toBe(3);
    expect(checked<Gaps>(out).gaps.some(({ why }) => /more than the 64 MiB/.test(why))).toBe(true);
  });

  test('one that names paths', async () => {
    const { code, out } = await ask('who', '1', '--host', 'evil', '--json');
    expect([code, checked(out)['verdict']]).toEqual([3, 'unknown']);
    expect(existsSync('/tmp/portolan-evil')).toBe(false);
    expect(existsSync(join(tmpdir(), 'portolan-evil'))).toBe(false);
  });
});

describe.skipIf(process.platform !== 'linux')('several hosts', () => {
  test('a line of JSON each, in the order they were named; progress on standard error', async () => {
    const { out, err, code } = await ask(
      'who',
      PORT,
      '--host',
      'box,noone',
      '--host',
      'chatty',
      '--host',
      'box',
      '--json',
    );
    const told = lines(out);
    expect(told.map(({ host, exit }) => [host, exit])).toEqual([['box', 0], ['noone', 3], ['chatty', 0]]); // biome-ignore format: pairs
    expect(told[0]?.answer).toMatchObject({ format: 'portolan.who/1', verdict: 'held' });
    expect(told[1]).toMatchObject({ answer: null, error: { message: 'noone could not be reached.' } });
    expect(code).toBe(3);
    expect(err).toMatch(/^portolan: Asking 3 hosts …\n/);
    expect(err).toMatch(/3 of 3: /);
    expect(err).toMatch(/noone could not be asked/);
  });

  test('more of them than are asked at one time', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `host${index}`);
    const { out, code } = await ask('list', '--host', names.join(','), '--json');
    expect(lines(out).map(({ host }) => host)).toEqual(names);
    expect(code).toBe(3);
  });

  test('as text, each below its name', async () => {
    const { out, code } = await ask('who', PORT, '--host', 'box,noone');
    expect(out).toMatch(
      /^box\n───\nlistener {2}tcp .*[^]*\n\nnoone\n─────\nnoone could not be reached\.\nssh said:\n/,
    );
    const noone = out.slice(out.indexOf('\n\nnoone\n'));
    expect(noone).toMatch(/\nssh said:\n {2}ssh: connect to host noone /);
    expect(noone.split('\n').every((line) => line.length <= 80)).toBe(true);
    expect(code).toBe(3);
  });

  test('all of them well: the highest of their exit codes', async () => {
    expect((await ask('who', PORT, '--host', 'box,chatty')).code).toBe(0);
    expect((await ask('why', PORT, '--address', '127.0.0.1', '--host', 'box,chatty')).code).toBe(1);
  });
});
