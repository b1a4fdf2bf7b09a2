// `portolan reserve` and `unreserve` on real kernels: in namespaces of their own, with drop-ins under folders of their own.
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PortRange, ReserveV1 } from '@portolan/core';
import { describe, expect } from 'vitest';
import { checked } from '../cli/program.ts';
import { BIN, DIST, liveTest, type Namespace, NOBODY } from './namespace.ts';
import { dropIn, folder, LIST, list, PORT, run, setList, tree } from './reserve-place.ts';

/** How many of `count` choices of the kernel were this port, by a program that knows nothing of Portolan. */
async function chosen(ns: Namespace, port: number): Promise<string> {
  const script = `
import socket, struct
got = []
listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen(8)
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    for call in ('bind', 'connect'):
        s = socket.socket(socket.AF_INET, kind)
        s.setsockopt(0, 51, struct.pack('I', ${port} << 16 | ${port}))
        try:
            s.bind(('127.0.0.1', 0)) if call == 'bind' else s.connect(listener.getsockname())
            got.append(str(s.getsockname()[1]))
        except OSError:
            got.append('-')
        s.close()
print(' '.join(got))`;
  return (await ns.run('python3', ['-c', script])).stdout.trim();
}

describe('reserve', () => {
  liveTest(
    'joins, writes both places, reads back, proves, and is undone without a trace',
    { needs: ['python3'] },
    async (ns) => {
      const root = folder(ns);
      await setList(ns, '40000,50000-50005');
      const before = tree(root);
      const plan = await run(ns, root, `reserve ${PORT},50004-50007`);
      expect(plan).toMatchObject({ code: 0, applied: false, verified: null, proof: null });
      expect(await list(ns)).toBe('40000,50000-50005');
      expect(tree(root)).toEqual(before);

      const done = await run(ns, root, `reserve ${PORT},50004-50007 --apply`);
      expect(done).toMatchObject({ code: 0, applied: true, verified: true, failure: null });
      expect(done.plan).toEqual({ ...plan.plan, files: done.plan.files });
      expect(await list(ns)).toBe('40000,50000-50007,60163');
      expect(readFileSync(dropIn(root), 'utf8')).toContain(
        '\nnet.ipv4.ip_local_reserved_ports = 50004-50007,60163\n',
      );
      expect(done.proof).toMatchObject({ method: 'exact', asked: 5, proven: 5, broken: [], open: [] });
      const ours = done.proof?.exact.filter(({ port }) => port === PORT) ?? [];
      expect(ours.map(({ before: was, after }) => [was, after])).toEqual(
        Array.from({ length: 4 }, () => ['given', 'refused']),
      );
      expect(await chosen(ns, PORT)).toBe('- - - -');
      expect(await chosen(ns, PORT + 2)).toBe(`${PORT + 2} ${PORT + 2} ${PORT + 2} ${PORT + 2}`);

      // Its own undo.
      const undo = /unreserve (\S+) --apply/.exec(done.plan.undo[0] ?? '')?.[1] ?? '';
      const undone = await run(ns, root, `unreserve ${undo} --apply`);
      expect(undone).toMatchObject({ code: 0, applied: true, verified: true });
      expect(undone.proof).toMatchObject({ method: 'exact', broken: [] });
      expect(await list(ns)).toBe('40000,50000-50005');
      expect(tree(root)).toEqual(before);
    },
  );

  liveTest('again does nothing; a name is a port; the text is a page', {}, async (ns) => {
    const root = folder(ns);
    await run(ns, root, 'reserve postgresql --apply');
    expect(await list(ns)).toBe('5432');
    const text = readFileSync(dropIn(root), 'utf8');
    const again = await run(ns, root, 'reserve 5432 --apply');
    expect(again).toMatchObject({ code: 0, applied: false });
    expect(again.plan).toMatchObject({ add: [], files: [], undo: [] });
    expect(again.notes.map(({ kind }) => kind)).toContain('outside');
    expect(readFileSync(dropIn(root), 'utf8')).toBe(text);
    const page = await ns.portolan(['reserve', '5432', '--config-root', root]);
    expect(page.stdout.split('\n')[0]).toBe('Nothing to do: port 5432 is reserved already, now and at boot.');
  });

  liveTest(
    'loses nobody’s entries while many runs and others write at once',
    { timeout: 180_000 },
    async (ns) => {
      const root = folder(ns);
      await setList(ns, '33000,34000-34010');
      const ports = Array.from({ length: 6 }, (_, i) => 45_001 + 2 * i);
      const script = `i=0; while [ $i -lt 40 ]; do i=$((i+1)); read all < ${LIST}; sleep 0.01; done`;
      const [others, ...answers] = await Promise.all([
        ns.run('sh', ['-c', script]),
        ...ports.map((port) => run(ns, root, `reserve ${port} --apply`)),
      ]);
      expect(others.code).toBe(0);
      expect(answers.map(({ code, verified }) => [code, verified])).toEqual(ports.map(() => [0, true]));
      expect(await list(ns)).toBe(['33000,34000-34010', ...ports].join(','));
      expect(readFileSync(dropIn(root), 'utf8')).toContain(`ip_local_reserved_ports = ${ports.join(',')}\n`);
      // Given back by as many at once, while others are still reserved.
      const [first, ...rest] = ports;
      const mixed = await Promise.all([
        run(ns, root, 'reserve 46001 --apply'),
        ...rest.map((port) => run(ns, root, `unreserve ${port} --apply`)),
      ]);
      expect(mixed.map(({ code }) => code)).toEqual(mixed.map(() => 0));
      expect(await list(ns)).toBe(`33000,34000-34010,${first},46001`);
      expect(readdirSync(join(root, 'etc', 'sysctl.d'))).toEqual(['zz-portolan.conf']);
    },
  );

  liveTest('an entry that comes between plan and write stays', {}, async (ns) => {
    const root = folder(ns);
    // The kernel joins what is written at another place than the beginning: nothing is read and written back.
    const writer = `for i in 1 2 3 4 5 6 7 8 9; do echo "4700$i" | dd of=${LIST} seek=1 bs=64 oflag=seek_bytes conv=notrunc 2>/dev/null; sleep 0.05; done`;
    const [ran, answer] = await Promise.all([
      ns.run('sh', ['-c', writer]),
      run(ns, root, `reserve ${PORT} --apply`),
    ]);
    expect([ran.code, answer.code]).toEqual([0, 0]);
    expect(await list(ns)).toBe('47001-47009,60163');
  });

  liveTest('a list longer than a page is joined and given back whole', {}, async (ns) => {
    const root = folder(ns);
    const many = Array.from({ length: 3000 }, (_, i) => 40_001 + 2 * i).join(',');
    const script = `require('fs').writeFileSync('${LIST}', '${many}\\n')`;
    expect((await ns.run(process.execPath, ['-e', script])).code).toBe(0);
    const full = await run(ns, root, 'reserve 39001 --apply');
    expect(full.plan.before).toHaveLength(3000);
    expect(full.now).toHaveLength(3001);
    const back = await run(ns, root, 'unreserve 39001 --apply');
    expect(back).toMatchObject({ code: 0, verified: true });
    expect(back.now).toHaveLength(3000);
    // As many in the drop-in: a run that sysctl(8) would cut is told.
    const own = await run(ns, root, `reserve ${many.split(',').slice(0, 1500).join(',')}`);
    expect(own.notes.map(({ kind }) => kind)).toContain('long');
  });

  liveTest('all ports reserved: nothing more to reserve, and one comes back', {}, async (ns) => {
    const root = folder(ns);
    await setList(ns, '0-65535');
    const idle = await run(ns, root, `reserve ${PORT} --now`);
    expect(idle.plan).toMatchObject({ add: [], before: [[0, 65_535]] });
    const back = await run(ns, root, `unreserve ${PORT} --now --force --apply --no-prove`);
    expect(back.code).toBe(0);
    expect(await list(ns)).toBe('0-60162,60164-65535');
  });

  liveTest('leaving no port to hand out is refused', {}, async (ns) => {
    const root = folder(ns);
    const refused = await run(ns, root, 'reserve 1-65535 --apply');
    expect(refused).toMatchObject({ code: 1, applied: false, plan: { refusal: 'leaves-none' } });
    expect(await list(ns)).toBe('');
    expect(tree(root)).toEqual({});
  });

  liveTest('what others reserved stays, unless it is forced', {}, async (ns) => {
    const root = folder(ns);
    await setList(ns, String(PORT));
    expect(await run(ns, root, `unreserve ${PORT} --apply`)).toMatchObject({
      code: 1,
      plan: { refusal: 'not-ours' },
    });
    expect(await list(ns)).toBe(String(PORT));
    expect(await run(ns, root, `unreserve ${PORT} --apply --force`)).toMatchObject({
      code: 0,
      verified: true,
    });
    expect(await list(ns)).toBe('');
  });

  liveTest('connections on the port are told, and a listener is fine', {}, async (ns) => {
    const root = folder(ns);
    const server = ['127.0.0.1', 8443] as const;
    await ns.robot.steps(
      { op: 'open', as: 's', family: 'ipv4', type: 'tcp', bind: server, listen: 8 },
      { op: 'open', as: 'c', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', PORT], connect: server },
      { op: 'open', as: 'd', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', PORT + 1], connect: server },
      { op: 'open', as: 'l', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', PORT + 2], listen: 8 },
      { op: 'close', of: 'd' },
      { op: 'accept', of: 's', as: 'a' },
      { op: 'accept', of: 's', as: 'b' },
      { op: 'close', of: 'b' },
    );
    const answer = await run(ns, root, `reserve ${PORT}-${PORT + 2} --apply`);
    expect(answer.code).toBe(0);
    const held = Object.fromEntries(answer.notes.map(({ kind, holders }) => [kind, holders]));
    expect(held['connection']?.map(({ local }) => local.port)).toEqual([PORT]);
    expect(held['closing']?.map(({ local, freeInMs }) => [local.port, (freeInMs ?? 0) > 0])).toEqual([
      [PORT + 1, true],
    ]);
    expect(held['listener']?.map(({ local }) => local.port)).toEqual([PORT + 2]);
    // A port that somebody holds proves nothing, and is not said to.
    expect(answer.proof?.proven).toBe(0);
    expect(answer.proof?.open).toEqual([PORT, PORT + 1, PORT + 2]);
  });

  liveTest('the namespace is named by its inode', {}, async (ns) => {
    const { namespace } = await run(ns, folder(ns), `reserve ${PORT}`);
    const inode = /net:\[(\d+)\]/.exec((await ns.run('readlink', ['/proc/self/ns/net'])).stdout)?.[1];
    expect(namespace.inode).toBe(Number(inode));
    expect(namespace.kind).not.toBe('host');
  });
});

describe('the drop-in', () => {
  liveTest('repeats other files, wins over them, and leaves them as they are', {}, async (ns) => {
    const root = folder(ns);
    const at = (name: string): string => join(root, name);
    for (const name of ['etc/sysctl.d', 'run/sysctl.d', 'usr/lib/sysctl.d'])
      mkdirSync(at(name), { recursive: true });
    const key = 'net.ipv4.ip_local_reserved_ports';
    writeFileSync(at('etc/sysctl.conf'), `${key} = 7000\n`);
    symlinkSync('../sysctl.conf', at('etc/sysctl.d/99-sysctl.conf'));
    writeFileSync(at('run/sysctl.d/50-run.conf'), `${key}=8000\n`);
    writeFileSync(at('usr/lib/sysctl.d/60-lib.conf'), `net/ipv4/ip_local_reserved_ports = 9000-9001\n`);
    symlinkSync('/dev/null', at('etc/sysctl.d/60-lib.conf'));
    const before = tree(root);
    const answer = await run(ns, root, `reserve ${PORT} --apply`);
    const { before: was, after } = answer.plan.boot ?? {};
    expect(was?.['systemd-sysctl'].ranges).toEqual([[7000, 7000]]);
    const wanted: PortRange[] = [
      [7000, 7000],
      [8000, 8000],
      [PORT, PORT],
    ];
    expect(after?.['systemd-sysctl']).toEqual({ ranges: wanted, path: dropIn(root) });
    expect(after?.sysctl).toEqual({ ranges: [[7000, 7000]], path: at('etc/sysctl.conf') });
    const kinds = answer.notes.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['boot-merged', 'boot-overridden']));
    // The running list is not theirs to set: it gets ours alone.
    expect(await list(ns)).toBe(String(PORT));
    await run(ns, root, `unreserve ${PORT} --apply`);
    expect(tree(root)).toEqual(before);
  });

  liveTest('as systemd-sysctl and sysctl read it', { needs: ['sysctl'] }, async (ns) => {
    const root = folder(ns);
    await run(ns, root, `reserve ${PORT},7000-7010 --apply`);
    await setList(ns, '');
    expect((await ns.run('sysctl', ['-p', dropIn(root)])).code).toBe(0);
    expect(await list(ns)).toBe('7000-7010,60163');
    const other = '/lib/systemd/systemd-sysctl';
    if (!existsSync(other)) return;
    await setList(ns, '');
    expect((await ns.run(other, [dropIn(root)])).code).toBe(0);
    expect(await list(ns)).toBe('7000-7010,60163');
  });

  liveTest('cut short or edited by hand it loses nobody’s entries', {}, async (ns) => {
    const root = folder(ns);
    await run(ns, root, `reserve ${PORT} --apply`);
    const whole = readFileSync(dropIn(root), 'utf8');
    writeFileSync(
      dropIn(root),
      `kernel.pid_max = 65536\n${whole.replace('ports = ', 'ports = 8080,').slice(0, -28)}`,
    );
    const answer = await run(ns, root, 'reserve 60165 --apply');
    expect(answer).toMatchObject({ code: 0, verified: true });
    const kinds = answer.notes.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['drop-in-damaged', 'drop-in-edited']));
    const text = readFileSync(dropIn(root), 'utf8');
    expect(text).toMatch(/^kernel\.pid_max = 65536\n# portolan/);
    expect(text).toContain('= 8080,60163,60165\n');
  });
});

describe('where it cannot be done', () => {
  liveTest('a read-only /proc/sys leaves nothing half done', { needs: ['root'] }, async (ns) => {
    const root = folder(ns);
    const script = 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"';
    const args = ['reserve', String(PORT), '--apply', '--json', '--config-root', root];
    const ran = await ns.run('unshare', [
      '--mount',
      'sh',
      '-c',
      script,
      'sh',
      process.execPath,
      BIN,
      ...args,
    ]);
    const answer = checked<ReserveV1>(ran.stdout);
    expect(ran.code).toBe(1);
    expect(answer.failure).toMatchObject({ step: 'list', code: 'EROFS', restored: null });
    expect(tree(root)).toEqual({});
  });

  liveTest('others are told the exact command', { needs: ['nobody'] }, async (ns) => {
    const root = folder(ns);
    chmodSync(root, 0o755);
    const now = await run(ns, root, `reserve ${PORT} --now --apply`, { uid: NOBODY });
    expect(now).toMatchObject({ code: 1, applied: false, failure: { step: 'list', code: 'EACCES' } });
    expect(now.failure?.remedies[0]).toMatch(/^sudo .* reserve 60163 --apply --now --config-root /);
    const both = await run(ns, root, `reserve ${PORT} --apply`, { uid: NOBODY });
    expect(both.failure).toMatchObject({ step: 'file', code: 'EACCES' });
    // With a folder of their own it is the list that fails, and the drop-in is not left behind.
    chownSync(root, NOBODY, NOBODY);
    expect((await run(ns, root, `reserve ${PORT} --apply`, { uid: NOBODY })).failure).toMatchObject({
      step: 'list',
    });
    expect(tree(root)).toEqual({});
    expect(await list(ns)).toBe('');
  });

  liveTest('a full disk leaves nothing half written', { needs: ['root'] }, async (ns) => {
    const root = folder(ns);
    const script =
      'mount -t tmpfs -o size=16k tmpfs "$1" && mkdir -p "$1/etc/sysctl.d" && { head -c 100000 /dev/zero > "$1/fill" 2>/dev/null; root=$1; shift; "$@"; code=$?; ls -A "$root/etc/sysctl.d" >&2; exit $code; }';
    const args = ['reserve', String(PORT), '--apply', '--json', '--config-root', root];
    const ran = await ns.run('unshare', [
      '--mount',
      'sh',
      '-c',
      script,
      'sh',
      root,
      process.execPath,
      BIN,
      ...args,
    ]);
    const answer = checked<ReserveV1>(ran.stdout);
    expect(ran.code).toBe(1);
    expect(answer.failure).toMatchObject({ code: 'ENOSPC', restored: null });
    expect(ran.stderr).toBe('');
    expect(await list(ns)).toBe('');
  });

  liveTest('a lock file that was left behind is no lock; one that is held is waited for', {}, async (ns) => {
    const root = folder(ns);
    const inode = /net:\[(\d+)\]/.exec((await ns.run('readlink', ['/proc/self/ns/net'])).stdout)?.[1] ?? '';
    const place = ['/run', '/run/lock', tmpdir()].find((one) => {
      try {
        accessSync(one, constants.W_OK);
        return true;
      } catch {
        return false;
      }
    });
    const locks = [
      join(place ?? '', `portolan-reserved-ports-${inode}.lock`),
      join(root, 'etc', 'sysctl.d', '.zz-portolan.lock'),
    ];
    mkdirSync(join(root, 'etc', 'sysctl.d'), { recursive: true });
    // Of a process that lives as of one that never was, empty as after a loss of power: the kernel has no lock on them.
    for (const text of ['', JSON.stringify({ pid: ns.robot.pid, startTicks: 1, pids: 'pid:[1]' })]) {
      for (const lock of locks) writeFileSync(lock, text);
      ns.finally(() => {
        for (const lock of locks) rmSync(lock, { force: true });
      });
      expect((await run(ns, root, `reserve ${PORT} --apply --no-prove`)).code).toBe(0);
      expect(locks.map((lock) => existsSync(lock))).toEqual([false, false]);
      expect((await run(ns, root, `unreserve ${PORT} --apply --no-prove`)).code).toBe(0);
    }
    for (const lock of locks) {
      writeFileSync(lock, '');
      const holder = ns.background('flock', ['-x', lock, 'sh', '-c', 'echo held; exec cat']);
      await new Promise((resolve) => holder.stdout?.once('data', resolve));
      const waiting = run(ns, root, 'reserve 60165 --apply --no-prove');
      await new Promise((resolve) => {
        setTimeout(resolve, 700);
      });
      expect(await list(ns)).toBe('');
      holder.stdin?.end();
      expect((await waiting).code).toBe(0);
      expect(await list(ns)).toBe('60165');
      expect((await run(ns, root, 'unreserve 60165 --apply --no-prove')).code).toBe(0);
    }
    // Without native code flock(1) takes the same lock.
    expect((await run(ns, root, `reserve ${PORT} --apply --no-prove --no-ffi`)).code).toBe(0);
  });
});

describe('a proof without IP_LOCAL_PORT_RANGE', () => {
  liveTest('draws until the port would have come, and says how sure that is', {}, async (ns) => {
    const root = folder(ns);
    await ns.robot.step({
      op: 'write',
      path: '/proc/sys/net/ipv4/ip_local_port_range',
      text: '50000 50019\n',
    });
    const answer = await run(ns, root, 'reserve 50004,50007 --apply --no-ffi');
    expect(answer.proof).toMatchObject({ method: 'repeated', proven: 2, broken: [], open: [] });
    expect(answer.proof?.luck).toBeLessThan(0.05);
    expect(answer.proof?.repeated.every(({ draws, hits }) => draws > 0 && hits === 0)).toBe(true);
    const back = await run(ns, root, 'unreserve 50004,50007 --apply --no-ffi');
    expect(back.proof?.repeated.filter(({ hits }) => hits > 0).map(({ port }) => port)).toEqual(
      expect.arrayContaining([50_004, 50_007]),
    );
  });

  liveTest('claims nothing where too few choices were made', {}, async (ns) => {
    const answer = await run(ns, folder(ns), `reserve ${PORT} --apply --no-ffi`);
    expect(answer.code).toBe(0);
    const { proven = 0, open = [], luck = 1 } = answer.proof ?? {};
    expect(proven === 1 ? luck <= 0.05 : open.includes(PORT)).toBe(true);
  });
});

liveTest('the library reserves and gives back as the program does', { needs: ['root'] }, async (ns) => {
  const root = folder(ns);
  const library = join(DIST, 'index.js');
  const script = `
    const { reserve, unreserve } = await import(${JSON.stringify(library)});
    const options = { apply: true, configRoot: ${JSON.stringify(root)} };
    const done = await reserve(${PORT}, options);
    const again = await reserve(${PORT}, options);
    const back = await unreserve([${PORT}], options);
    process.stdout.write([done, again, back].map((answer) => JSON.stringify(answer)).join('\\n'));`;
  const ran = await ns.run(process.execPath, ['--input-type=module', '-e', script]);
  expect(ran.stderr).toBe('');
  const [done, again, back] = ran.stdout.split('\n').map((line) => checked<ReserveV1>(line));
  expect(done).toMatchObject({ applied: true, verified: true, proof: { method: 'exact', proven: 1 } });
  expect(again).toMatchObject({ applied: false, plan: { add: [], files: [] } });
  expect(back).toMatchObject({ applied: true, verified: true, now: [] });
  expect(tree(root)).toEqual({});
});
