// Leases on a real kernel: crowds that are killed, a kill at every step, a full disk, other users, sockets handed over.
import type { ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LeasesV1, LeaseV1, PickV1 } from '@portolan/core';
import { expect } from 'vitest';
import { all, cli, lease, type Ran, withPlace } from './lease-place.ts';
import { BIN, DIST, liveTest, NOBODY, pause, scenario } from './namespace.ts';

const LIBRARY = join(DIST, 'index.js');

/** Leases of each process of the crowd; a longer run is asked for by the environment. */
const EACH = process.env['PORTOLAN_CROWD_LEASES'] ?? '8';

liveTest(
  'a crowd of 64 that leases while it is killed: no port twice, none lost',
  { needs: ['root'], timeout: 3_600_000 },
  async (ns) => {
    await withPlace(async (place) => {
      const seed = String(Math.floor(Math.random() * 1e9));
      const ran = await ns.run('env', [
        `PORTOLAN_LEASE_DIR=${place.leases}`,
        process.execPath,
        scenario('lease-crowd.mjs'),
        LIBRARY,
        '64',
        EACH,
        '160',
        join(place.root, 'ledger'),
        seed,
      ]);
      expect(ran.stderr, `seed ${seed}`).toBe('');
      const tally = JSON.parse(ran.stdout) as Record<string, unknown>;
      expect(tally, `seed ${seed}`).toMatchObject({
        twice: 0,
        outside: 0,
        failures: [],
        room: 160,
        left: 160,
        refused: 'LEASES',
      });
      expect(tally['leases']).toBeGreaterThanOrEqual(64 * Number(EACH));
      expect(tally['kills']).toBeGreaterThan(0);
    });
  },
);

/** Picks of each process of the crowd that holds. */
const HELD_EACH = process.env['PORTOLAN_CROWD_HOLDS'] ?? '1';

liveTest(
  'a crowd of 64 that holds picked ports while it is killed: no port twice, none lost',
  { needs: ['root'], timeout: 3_600_000 },
  async (ns) => {
    await withPlace(async (place) => {
      const seed = String(Math.floor(Math.random() * 1e9));
      const crowd = [
        process.execPath,
        scenario('hold-crowd.mjs'),
        BIN,
        LIBRARY,
        '64',
        HELD_EACH,
        '160',
        seed,
      ];
      const ran = await ns.run('env', [`PORTOLAN_LEASE_DIR=${place.leases}`, ...crowd]);
      expect(ran.stderr, `seed ${seed}`).toBe('');
      const tally = JSON.parse(ran.stdout) as Record<string, unknown>;
      expect(tally, `seed ${seed}`).toMatchObject({
        twice: 0,
        outside: 0,
        failures: [],
        room: 160,
        left: 160,
      });
      expect(tally['picks']).toBeGreaterThan(0);
      expect(tally['kills']).toBeGreaterThan(0);
    });
  },
);

liveTest('sixteen processes, one range, one moment: every one gets another port', {}, async (ns) => {
  await withPlace(async (place) => {
    const race = async (what: string): Promise<number[]> => {
      const args = [`PORTOLAN_LEASE_DIR=${place.leases}`, process.execPath];
      const ran = await ns.run('env', [...args, scenario('port-race.mjs'), what, '20000', '20015']);
      return JSON.parse(ran.stdout) as number[];
    };
    const theirs = await race('get-port');
    process.stderr.write(`get-port, for comparison: ${new Set(theirs).size} ports for 16 processes\n`);
    const ours = await race(LIBRARY);
    expect(ours.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => 20_000 + i));
  });
});

liveTest('pick --hold: pickers at once, some killed, share no port, and none is lost', {}, async (ns) => {
  await withPlace(async (place) => {
    const hold = (): { child: ChildProcess; port: Promise<number> } => {
      const args = [`PORTOLAN_LEASE_DIR=${place.leases}`, process.execPath, BIN, 'pick', '--hold', '-q'];
      const child = ns.background('env', [...args, '--near', '7000', '--transport', 'tcp']);
      const port = new Promise<number>((resolve) => {
        child.stdout?.once('data', (part: Buffer) => resolve(Number(part.toString())));
      });
      return { child, port };
    };
    const first = Array.from({ length: 16 }, hold);
    const ports = await Promise.all(first.map(({ port }) => port));
    expect(new Set(ports).size).toBe(16);
    const ended = first.map(({ child }) => new Promise((resolve) => child.once('exit', resolve)));
    for (const [index, { child }] of first.entries()) {
      if (index % 2 === 0) child.kill('SIGKILL');
    }
    await Promise.all(ended.filter((_, index) => index % 2 === 0));
    const living = new Set(ports.filter((_, index) => index % 2 === 1));
    const second = Array.from({ length: 8 }, hold);
    const again = await Promise.all(second.map(({ port }) => port));
    expect(again.filter((port) => living.has(port))).toEqual([]);
    // What the killed had is given out again.
    const freed = ports.filter((_, index) => index % 2 === 0).toSorted((a, b) => a - b);
    expect(again.toSorted((a, b) => a - b)).toEqual(freed);
    const over = [...first, ...second].map(({ child }) =>
      child.exitCode === null && child.signalCode === null
        ? new Promise((resolve) => child.once('exit', resolve))
        : Promise.resolve(),
    );
    for (const { child } of [...first, ...second]) child.stdin?.end();
    await Promise.all(over);
    expect(readdirSync(place.leases)).toEqual([]);
  });
});

liveTest(
  'killed at every step of a lease, a renewal and a release',
  { needs: ['root', 'strace'] },
  async (ns) => {
    await withPlace(async (place) => {
      const calls = 'flock,fchmod,fsync,link,unlink,rename,linkat,unlinkat,renameat,renameat2';
      const traced = (args: readonly string[], inject: readonly string[]): Promise<Ran> =>
        ns.run('env', [
          `PORTOLAN_LEASE_DIR=${place.leases}`,
          'strace',
          '-f',
          '-qq',
          '-o',
          join(place.root, 'trace'),
          '-e',
          `trace=${calls}`,
          ...inject,
          process.execPath,
          BIN,
          ...args,
        ]);
      const whole = async (why: string): Promise<LeasesV1> => {
        const listed = await all(ns, place);
        expect(listed.damaged, why).toEqual([]);
        return listed;
      };
      const sleeper = ns.background('sleep', ['600']);
      const asks = ['lease', 'web', '--project', place.app, '--pid', String(sleeper.pid)];
      let kills = 0;
      for (const what of ['lease', 'renew', 'release'] as const) {
        const args = what === 'release' ? ['release', 'web', '--project', place.app] : asks;
        const prepare = async (): Promise<void> => {
          await cli(ns, place, ['release', 'web', '--project', place.app]);
          if (what === 'lease') return;
          // Its holder is a process that has ended by now.
          await ns.run('sh', [
            '-c',
            `PORTOLAN_LEASE_DIR=${place.leases} ${process.execPath} ${BIN} lease web --project ${place.app}; true`,
          ]);
        };
        await prepare();
        await traced(args, []);
        const steps = readFileSync(join(place.root, 'trace'), 'utf8')
          .split('\n')
          .filter((line) => /^\d+ +\w+\(/.test(line));
        const names = [...new Set(steps.map((line) => /^\d+ +(\w+)\(/.exec(line)?.[1] ?? ''))];
        expect(names).toContain('flock');
        for (const name of names) {
          const times = steps.filter((line) => line.includes(` ${name}(`)).length;
          for (let when = 1; when <= times; when++) {
            await prepare();
            const why = `${what}, ${name} ${when} of ${times}`;
            await traced(args, ['-e', `inject=${name}:signal=SIGKILL:when=${when}`]);
            kills++;
            const after = await whole(why);
            expect(after.leases.length, why).toBeLessThanOrEqual(1);
            const next = await lease(ns, place, 'web');
            expect(
              (await whole(why)).leases.map(({ port }) => port),
              why,
            ).toEqual([next.port]);
            // Nothing half written outlives the next who writes.
            await cli(ns, place, ['release', 'web', '--project', place.app]);
            expect(readdirSync(place.leases), why).toEqual([]);
          }
        }
      }
      expect(kills).toBeGreaterThan(8);
    });
  },
);

liveTest('a disk that is full', { needs: ['root'] }, async (ns) => {
  await withPlace(async (place) => {
    const disk = join(place.root, 'disk');
    mkdirSync(disk);
    const program = `${process.execPath} ${BIN}`;
    const script = `
      mount -t tmpfs -o size=16k,mode=1777 none ${disk}
      export PORTOLAN_LEASE_DIR=${disk}
      cd ${place.app}
      ${program} lease first
      head -c 100000 /dev/zero > ${disk}/full 2>/dev/null
      ${program} lease second; echo "code $?"
      ls ${disk} | grep -v -e full -e 'portolan-lease-[0-9]*$'; ls ${disk} | wc -l
      ${program} lease first
      rm ${disk}/full
      ${program} lease second; echo "code $?"`;
    const ran = await ns.run('unshare', ['--mount', 'sh', '-c', script]);
    const [first, code, count, again, second, then] = ran.stdout.trim().split('\n');
    expect(code).toBe('code 1');
    expect(ran.stderr.replace(/\s+/g, ' ')).toMatch(
      /^portolan: There is no room left in \S+ \(ENOSPC\); nothing was leased/,
    );
    expect(count?.trim()).toBe('2');
    expect(again).toBe(first);
    expect(Number(second)).toBeGreaterThan(1023);
    expect(then).toBe('code 0');
  });
});

liveTest('other users of the machine', { needs: ['root', 'nobody'] }, async (ns) => {
  await withPlace(async (place) => {
    const ours = await lease(ns, place, 'web');
    const asNobody = (args: readonly string[]): Promise<Ran> => cli(ns, place, args, NOBODY);
    // The folder's project is root's, and root's lease is believed by all.
    expect((await asNobody(['lease', 'web', '--project', place.app])).stdout).toBe(`${ours.port}\n`);
    const refused = await asNobody(['release', 'web', '--project', place.app]);
    expect(refused.code).toBe(1);
    expect(refused.stderr.replace(/\s+/g, ' ')).toMatch(/may not be changed by you/);
    expect((await asNobody(['release', '--port', String(ours.port)])).code).toBe(1);
    // No other project gets it, whosever it is.
    const theirs = join(place.root, 'theirs');
    mkdirSync(theirs);
    chownSync(theirs, NOBODY, NOBODY);
    const near = ['--near', String(ours.port)];
    const other = Number((await asNobody(['lease', 'web', '--project', theirs, ...near])).stdout);
    expect(other).not.toBe(ours.port);
    // What a stranger has leased in the name of our project is not believed: our clients would go to him.
    await cli(ns, place, ['release', 'web', '--project', place.app]);
    const forged = Number((await asNobody(['lease', 'web', '--project', place.app])).stdout);
    expect(forged).toBeGreaterThan(1023);
    const real = await lease(ns, place, 'web');
    expect(real.port).not.toBe(forged);
    expect((await lease(ns, place, 'web')).port).toBe(real.port);
    // A folder of his is not used, nor one in which he could change files.
    const his = join(place.root, 'his');
    mkdirSync(his, { mode: 0o1777 });
    chmodSync(his, 0o1777);
    chownSync(his, NOBODY, NOBODY);
    const trap = await cli(ns, { ...place, leases: his }, ['lease', 'web', '--project', place.app]);
    expect(trap.code).toBe(1);
    expect(trap.stderr.replace(/\s+/g, ' ')).toMatch(/belongs to user 65534, who could change every lease/);
    expect(readdirSync(his)).toEqual([]);
    // One that he may only read serves him to pick, and not to lease.
    const shut = join(place.root, 'shut');
    mkdirSync(shut, { mode: 0o755 });
    const denied = await cli(ns, { ...place, leases: shut }, ['lease', 'x', '--project', theirs], NOBODY);
    expect(denied.code).toBe(1);
    expect(denied.stderr.replace(/\s+/g, ' ')).toMatch(/may not be changed by you \(EACCES/);
  });
});

liveTest(
  'without a folder that all share, leases lie in the user’s own, and that is said',
  { needs: ['root'] },
  async (ns) => {
    await withPlace(async () => {
      // Where all of them are read-only there is nothing to share, as in many containers.
      const shut = ['/var/tmp', '/run/lock', '/tmp'].map(
        (dir) => `[ ! -d ${dir} ] || { mount --bind ${dir} ${dir} && mount -o remount,bind,ro ${dir}; }`,
      );
      const script = `mkdir -p /mnt && mount -t tmpfs none /mnt
        ${shut.join('\n')}
        HOME=/mnt XDG_STATE_HOME= ${process.execPath} ${BIN} lease web --project / --json
        find /mnt -type f`;
      const ran = await ns.run('unshare', ['--mount', 'sh', '-c', script]);
      const end = ran.stdout.lastIndexOf('}') + 1;
      const given = JSON.parse(ran.stdout.slice(0, end)) as LeaseV1;
      expect(given.gaps.map(({ what }) => what)).toContain('leases of other users');
      expect(ran.stdout.slice(end).trim()).toBe(
        `/mnt/.local/state/portolan/leases/portolan-lease-${given.port}`,
      );
    });
  },
);

liveTest(
  'a holder is known by pid and start, and the port stays its name’s after it',
  { needs: ['root', 'pid-reuse'], ownPids: true },
  async (ns) => {
    await withPlace(async (place) => {
      const script = `
      export PORTOLAN_LEASE_DIR=${place.leases}
      cd ${place.app}
      sleep 600 & pid=$!
      ${process.execPath} ${BIN} lease web --pid $pid
      ${process.execPath} ${BIN} leases --json | grep -c '"state": "alive"'
      kill -9 $pid; wait $pid 2>/dev/null
      sleep 0.1
      echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
      sleep 600 & echo "$pid $!"
      ${process.execPath} ${BIN} leases --json | grep -c '"state": "gone"'
      ${process.execPath} ${BIN} lease web
      kill -9 $!`;
      const [first, alive, pids, gone, again] = (await ns.run('sh', ['-c', script])).stdout.split('\n');
      expect(alive).toBe('1');
      const [before, after] = (pids ?? '').split(' ');
      expect(after, 'the pid was given out again').toBe(before);
      expect(gone).toBe('1');
      expect(again).toBe(first);
    });
  },
);

liveTest('run killed, its server lives: the port is nobody else’s', { needs: ['root'] }, async (ns) => {
  await withPlace(async (place) => {
    // Two numbers are left on this host, so that whoever can take a lease over will.
    const { ports } = JSON.parse((await cli(ns, place, ['pick', '--count', '2', '--json'])).stdout) as PickV1;
    const [low = 0, high = 0] = ports.map(({ port }) => port).toSorted((a, b) => a - b);
    const list = `1-${low - 1},${low + 1}-${high - 1},${high + 1}-65535`.replace(`${low + 1}-${low},`, '');
    await ns.run('sh', ['-c', `echo ${list} > /proc/sys/net/ipv4/ip_local_reserved_ports`]);
    const server = `require('net').createServer().listen(process.env.PORT, () => console.log(process.env.PORT + ' ' + process.pid))`;
    const args = [
      `PORTOLAN_LEASE_DIR=${place.leases}`,
      process.execPath,
      BIN,
      'run',
      'web',
      '--project',
      place.app,
    ];
    const child = ns.background('env', [...args, '--', process.execPath, '-e', server]);
    const said = await new Promise<string>((resolve) => {
      child.stdout?.once('data', (part: Buffer) => resolve(part.toString()));
    });
    const [port = 0, pid = 0] = said.split(' ').map(Number);
    child.kill('SIGKILL');
    await pause(100);
    expect((await all(ns, place)).leases).toMatchObject([{ port, inUse: true, holder: { state: 'gone' } }]);
    expect((await lease(ns, place, 'other')).port).toBe(port === low ? high : low);
    const none = await cli(ns, place, ['lease', 'third', '--project', place.app]);
    expect(none.code).toBe(1);
    expect(none.stderr.replace(/\s+/g, ' ')).toMatch(/No port is left to lease: .*reserved took 48,126/);
    // Its process and its use have ended: now the name gives way, for nothing else is left.
    process.kill(pid, 'SIGKILL');
    await pause(200);
    expect((await lease(ns, place, 'third')).port).toBe(port);
  });
});

liveTest(
  'every port reserved: none is good, and the rule that took them is told',
  { needs: ['root'] },
  async (ns) => {
    await withPlace(async (place) => {
      await ns.run('sh', ['-c', 'echo 1-65535 > /proc/sys/net/ipv4/ip_local_reserved_ports']);
      const ran = await cli(ns, place, ['pick', '--json']);
      expect(ran.code).toBe(1);
      const found = JSON.parse(ran.stdout) as PickV1;
      expect(found.ports).toEqual([]);
      expect(found.refused).toContainEqual({ rule: 'reserved', count: 48_128 });
      expect((await cli(ns, place, ['pick'])).stdout).toMatch(/^No port qualifies here/);
      expect((await cli(ns, place, ['pick', '--allow', 'reserved', '-q'])).code).toBe(0);
    });
  },
);

const SERVER = `
import os, socket, sys, time
assert os.environ['LISTEN_PID'] == str(os.getpid()), (os.environ['LISTEN_PID'], os.getpid())
assert os.environ['LISTEN_FDS'] == '1'
time.sleep(0.5)
server = socket.socket(fileno=3)
print(os.environ['LISTEN_FDNAMES'], os.environ['PORT'], server.getsockname()[1], flush=True)
peer, _ = server.accept()
peer.sendall(b'served by ' + str(os.getpid()).encode())
peer.close()
sys.exit(9)
`;

liveTest(
  'run --socket: the socket listens before the command starts, and is its own',
  { needs: ['python3'] },
  async (ns) => {
    await withPlace(async (place) => {
      const { port } = await lease(ns, place, 'web');
      const args = [
        `PORTOLAN_LEASE_DIR=${place.leases}`,
        process.execPath,
        BIN,
        'run',
        'web',
        '--project',
        place.app,
      ];
      const child = ns.background('env', [...args, '--socket', '--', 'python3', '-c', SERVER]);
      let [out, err] = ['', ''];
      child.stdout?.on('data', (part: Buffer) => (out += part.toString()));
      child.stderr?.on('data', (part: Buffer) => (err += part.toString()));
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      // Connected as soon as the socket is there, long before the command takes anybody in.
      const client = `
import socket, time
for turn in range(600):
    try:
        peer = socket.create_connection(('127.0.0.1', ${port}))
        break
    except ConnectionRefusedError:
        time.sleep(0.02)
print(peer.recv(100).decode())`;
      const served = await ns.run('python3', ['-c', client]);
      expect(await ended).toBe(9);
      expect(err).toBe('');
      expect(out).toBe(`web ${port} ${port}\n`);
      expect(served.stdout).toMatch(/^served by \d+\n$/);
      // A second server of the same name cannot have it at the same time.
      const robot = await ns.addRobot();
      await robot.steps({
        op: 'open',
        as: 's',
        family: 'ipv4',
        type: 'tcp',
        // What the first server has closed is still in TIME_WAIT.
        reuse: true,
        bind: ['127.0.0.1', port],
        listen: 1,
      });
      const refused = await cli(ns, place, ['run', 'web', '--project', place.app, '--socket', '--', 'true']);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/could not be bound \(EADDRINUSE\)/);
    });
  },
);

liveTest('run on a terminal: Ctrl-C reaches the command once', { needs: ['python3'] }, async (ns) => {
  await withPlace(async (place) => {
    const trap =
      'trap "echo INT" INT; echo ready; i=0; while [ $i -lt 12 ]; do sleep 0.1; i=$((i+1)); done; exit 4';
    const args = [
      `PORTOLAN_LEASE_DIR=${place.leases}`,
      'python3',
      scenario('terminal.py'),
      process.execPath,
      BIN,
    ];
    const child = ns.background('env', [
      ...args,
      'run',
      'web',
      '--project',
      place.app,
      '--',
      'sh',
      '-c',
      trap,
    ]);
    let out = '';
    child.stdout?.on('data', (part: Buffer) => {
      const first = !out.includes('ready');
      out += part.toString();
      if (first && out.includes('ready')) child.stdin?.write('\u0003');
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(out.match(/INT/g)).toHaveLength(1);
    expect(out).toMatch(/EXIT 4\n$/);
  });
});

liveTest('pick --hold ends with its parent, whatever its standard input does', {}, async (ns) => {
  await withPlace(async (place) => {
    const fifo = join(place.root, 'in');
    const out = join(place.root, 'out');
    const script = `
      export PORTOLAN_LEASE_DIR=${place.leases}
      mkfifo ${fifo}; exec 9<>${fifo}
      sh -c '${process.execPath} ${BIN} pick --hold -q < ${fifo} > ${out} &
        for i in $(seq 200); do [ -s ${out} ] && break; sleep 0.05; done; ls ${place.leases}'
      for i in $(seq 200); do [ -z "$(ls ${place.leases})" ] && break; sleep 0.05; done
      echo "left: $(ls ${place.leases})"`;
    const [held, left] = (await ns.run('sh', ['-c', script])).stdout.split('\n');
    expect(held).toMatch(/^portolan-lease-\d+$/);
    expect(left).toBe('left: ');
  });
});
