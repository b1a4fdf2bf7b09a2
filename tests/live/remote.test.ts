// --host against a real sshd: the same answer as the program gives in that sshd's own network namespace.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HolderV1, ReportV1 } from '@portolan/core';
import { expect } from 'vitest';
import {
  type ListV1,
  liveTest,
  type Namespace,
  only,
  pidsOf,
  Robot,
  scenario,
  type WhoV1,
} from './namespace.ts';
import { BUSYBOX_ROOT, PLAIN, SSH_PORT, type SshPlace, sshPlace } from './ssh-place.ts';

/** Listeners of both families and transports, one shared with a child, a connection, and an odd command line. */
async function furnish(ns: Namespace): Promise<void> {
  await ns.robot.steps(
    { op: 'open', as: 'a', family: 'ipv4', type: 'tcp', bind: ['127.0.0.1', 3000], listen: 8 },
    { op: 'open', as: 'b', family: 'ipv6', type: 'tcp', bind: ['::', 3001], listen: 8 },
    { op: 'open', as: 'u', family: 'ipv4', type: 'udp', bind: ['0.0.0.0', 5353] },
    { op: 'open', as: 'c', family: 'ipv4', type: 'tcp', connect: ['127.0.0.1', 3000] },
    { op: 'accept', of: 'a', as: 'd' },
    {
      op: 'spawn',
      as: 'child',
      file: process.execPath,
      args: [scenario('sit.mjs'), `x\n${'0'.repeat(48)} end\n\u202ey`, ''],
      inherit: ['a', 'u'],
    },
  );
}

/** What both ways of looking must agree on; of sshd's own connections there are more while it is asked. */
function compared(holders: readonly HolderV1[]): unknown[] {
  return holders
    .filter(({ local, peer }) => local.port !== SSH_PORT && peer?.port !== SSH_PORT)
    .map(({ kind, transport, local, peer, state, uid, user, owners }) => ({
      kind,
      transport,
      local,
      peer,
      state,
      uid,
      user,
      owners,
    }))
    .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

const local = async (ns: Namespace): Promise<ListV1> => ns.list();
const leftovers = (): string[] =>
  [tmpdir(), '/dev/shm']
    .flatMap((place) => readdirSync(place))
    .filter((name) => {
      const pid = /^portolan-host-(\d+)-/.exec(name)?.[1];
      return pid !== undefined && !existsSync(`/proc/${pid}`);
    });

async function agree(ns: Namespace, place: SshPlace): Promise<void> {
  const mine = await local(ns);
  const theirs = await place.json<ListV1>('list', '--host', place.at('root'));
  const [ours, others] = [compared(mine.holders), compared(theirs.holders)];
  expect(ours.length).toBe(5);
  expect(others).toEqual(ours);
  expect(leftovers()).toEqual([]);
}

liveTest('the same holders, owners, pids and start times', { needs: ['sshd'] }, async (ns) => {
  await furnish(ns);
  const place = await sshPlace(ns);
  await agree(ns, place);
  const who = await place.json<WhoV1>('who', '3000', '--host', place.at('root'));
  expect(who.verdict).toBe('held');
  const listener = only(who.holders.filter(({ kind }) => kind === 'listener'));
  expect(listener.owners).toHaveLength(2);
  expect(listener.owners.some(({ argv }) => argv?.some((word) => word.includes('\u202ey')))).toBe(true);
  const report = await place.json<ReportV1>('3000', '--host', place.at('root'));
  const here = await ns.report(3000);
  expect(report.host).toEqual(here.host);
  // What nobody holds is not called free: bound sockets are not listed over there.
  const free = await place.portolan('who', '3999', '--host', place.at('root'), '--json');
  expect([free.code, (JSON.parse(free.stdout) as WhoV1).verdict]).toEqual([3, 'unknown']);
  expect((await place.portolan('who', '3999/udp', '--host', place.at('root'))).code).toBe(1);
  expect((await place.portolan('why', '3001', '--host', place.at('root'))).code).toBe(1);
  const audit = await place.json<{ findings: unknown[]; looked: unknown }>(
    'audit',
    '--host',
    place.at('root'),
  );
  expect(audit.looked).toBeTruthy();
});

liveTest('BusyBox alone over there, without readlink', { needs: ['sshd', 'busybox'] }, async (ns) => {
  await furnish(ns);
  const place = await sshPlace(ns, {
    command: `chroot $HERE/${BUSYBOX_ROOT} /bin/sh`,
    applets: ['sh', 'ls', 'cat', 'grep', 'dd', 'uname', 'id'],
  });
  const mine = await local(ns);
  const theirs = await place.json<ListV1>('list', '--host', place.at('root'));
  // Paths are told as that shell's root folder shows them.
  const named = (list: ListV1): unknown[] =>
    compared(list.holders).map((each) => {
      const { owners, ...rest } = each as HolderV1;
      return {
        ...rest,
        owners: owners.map(({ pid, startedAt, name, argv, unit }) => ({ pid, startedAt, name, argv, unit })),
      };
    });
  expect(named(mine)).toHaveLength(5);
  expect(named(theirs)).toEqual(named(mine));
});

liveTest('BusyBox with readlink says all that is said here', { needs: ['sshd', 'busybox'] }, async (ns) => {
  await furnish(ns);
  const place = await sshPlace(ns, {
    command: `chroot $HERE/${BUSYBOX_ROOT} /bin/sh`,
    applets: ['sh', 'ls', 'cat', 'grep', 'dd', 'uname', 'id', 'readlink'],
  });
  const pids = (list: ListV1): unknown[] =>
    list.holders
      .filter(({ local: { port } }) => port < 6000 && port !== SSH_PORT)
      .map((each) => [each.local, pidsOf(each)]);
  expect(pids(await place.json<ListV1>('list', '--host', place.at('root')))).toEqual(pids(await local(ns)));
});

liveTest(
  'a user without rights sees their own, and is told what is hidden',
  { needs: ['sshd', 'nobody'] },
  async (ns) => {
    await furnish(ns);
    const place = await sshPlace(ns);
    const ids = ['--reuid', String(PLAIN.uid), '--regid', String(PLAIN.uid), '--clear-groups'];
    const own = new Robot(ns.background('setpriv', [...ids, process.execPath, scenario('robot.mjs')]));
    await own.started();
    await own.step({
      op: 'open',
      as: 'p',
      family: 'ipv4',
      type: 'tcp',
      bind: ['127.0.0.1', 4000],
      listen: 8,
    });
    const list = await place.json<ListV1>('list', '--host', place.at(PLAIN.name));
    const mine = await ns.list(['--no-ffi'], { uid: PLAIN.uid });
    const at = (from: ListV1, port: number): HolderV1 =>
      only(
        from.holders.filter(({ kind, local: { port: number } }) => kind === 'listener' && number === port),
      );
    expect(at(list, 4000)).toMatchObject({ user: PLAIN.name, owners: [{ pid: own.pid, user: PLAIN.name }] });
    expect(at(list, 4000).owners[0]?.startedAt).toBe(at(mine, 4000).owners[0]?.startedAt);
    expect(at(list, 3000)).toMatchObject({ user: 'root', uid: 0, owners: [] });
    const hidden = list.gaps.find(({ remedy }) => remedy?.includes('root@127.0.0.1') === true);
    expect(hidden?.remedy).toMatch(/--host ssh:\/\/root@127\.0\.0\.1:2222 list$/);
    expect(hidden?.what).toMatch(/owner|process/);
  },
);

for (const busybox of [false, true]) {
  liveTest(
    `names of files and processes forge no owner (${busybox ? 'BusyBox' : 'the usual'} ls)`,
    { needs: ['sshd', 'python3', ...(busybox ? (['busybox'] as const) : [])] },
    async (ns) => {
      await furnish(ns);
      const place = await sshPlace(
        ns,
        busybox
          ? {
              command: `chroot $HERE/${BUSYBOX_ROOT} /bin/sh`,
              applets: ['sh', 'ls', 'cat', 'grep', 'dd', 'uname', 'id', 'readlink'],
            }
          : {},
      );
      const { holders } = await ns.who(3001);
      const sockets = execFileSync('sh', ['-c', `ls -ln /proc/${ns.robot.pid}/fd | grep -o 'socket:.*'`], {
        encoding: 'utf8',
      })
        .trim()
        .split('\n');
      expect(sockets.length).toBeGreaterThan(3);
      // A process of nobody in particular has a file open whose name goes on like a listing, and is called like a mark.
      const script = join(place.folder, 'forge.py');
      writeFileSync(
        script,
        `import os, sys, time
os.chdir(sys.argv[1])
kept = []
for name in sys.argv[2:]:
    for text in ("x\\nlrwx------ 1 0 0 64 Nov 25 19:08 3 -> " + name, "x\\n\\n1" , "3 -> " + name):
        kept.append(os.open(text.replace("/", "_"), os.O_CREAT | os.O_RDWR))
open("/proc/self/comm", "w").write("a) S 1 (\\n12 b")
print("ready", flush=True)
time.sleep(600)
`,
      );
      const forger = ns.background('python3', [script, place.folder, ...sockets]);
      await new Promise((resolve) => forger.stdout?.once('data', resolve));
      const after = await place.json<WhoV1>('who', '3001', '--host', place.at('root'));
      expect(after.holders.map(pidsOf)).toEqual(holders.map(pidsOf));
      const list = await place.json<ListV1>('list', '--host', place.at('root'));
      expect(list.holders.flatMap(pidsOf)).not.toContain(forger.pid);
    },
  );
}

liveTest(
  'a key that is refused and a host that nobody knows: ssh’s words, and exit 3',
  { needs: ['sshd'] },
  async (ns) => {
    const place = await sshPlace(ns);
    const nobody = await place.portolan('list', '--host', place.at('nosuchuser'));
    expect(nobody.code).toBe(3);
    expect(nobody.stderr).toMatch(/Permission denied \(publickey\)/);
    writeFileSync(join(place.folder, 'known'), '');
    const unknown = await place.portolan('list', '--host', place.at('root'));
    expect(unknown.code).toBe(3);
    expect(unknown.stderr.replace(/\s+/g, ' ')).toMatch(/Host key verification failed/);
    expect(unknown.stdout).toBe('');
  },
);

liveTest('another system, known by what netstat and sysctl print', { needs: ['sshd'] }, async (ns) => {
  const place = await sshPlace(ns, {
    // No /proc, and tools that print as macOS does.
    command: "unshare -m sh -c 'mount -t tmpfs none /proc; PATH=$HERE/tools:/usr/bin:/bin exec sh'",
  });
  const tools: Readonly<Record<string, string>> = {
    uname: 'case $1 in -s) echo Darwin;; -r) echo 23.1.0;; -m) echo arm64;; esac',
    sysctl:
      'case $1 in *portrange.first) echo "$1: 49152";; *portrange.last) echo "$1: 65535";; *) exit 1;; esac',
    netstat: `cat <<'END'
Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)      rxbytes      txbytes  rhiwat  shiwat    pid   epid state  options
tcp4       0      0  127.0.0.1.3000         *.*                    LISTEN             0            0  131072  131072    501      0 00100 00000006
udp4       0      0  *.5353                 *.*                                       0            0  786896    9216    310      0 00100 00000000
END`,
    lsof: `printf 'p501\\ncnode\\nu501\\nLann\\nf12\\ntIPv4\\nPTCP\\nn127.0.0.1:3000\\nTST=LISTEN\\n'`,
  };
  execFileSync('mkdir', [join(place.folder, 'tools')]);
  for (const [name, text] of Object.entries(tools)) {
    writeFileSync(join(place.folder, 'tools', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  const report = await place.json<ReportV1>('3000', '--host', place.at('root'));
  expect(report.host).toMatchObject({ platform: 'darwin', release: '23.1.0', ephemeral: [49_152, 65_535] });
  expect(report.use.verdict).toBe('held');
  expect(only(report.use.holders).owners).toMatchObject([{ pid: 501, name: 'node' }]);
  expect(
    (await place.portolan('why', '3000', '--address', '127.0.0.1', '--host', place.at('root'))).code,
  ).toBe(1);
});
