// /proc/PID: names that try to look like the rest of the line, and cgroup paths as engines write them.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseBootTime,
  parseCgroupFile,
  parseCmdline,
  parseProcStat,
  readCgroupPath,
} from './linux-proc-pid.ts';

const REST =
  'S 1 4711 4711 0 -1 4194560 1000 0 0 0 1 2 0 0 20 0 11 0 987654 1000000 500 18446744073709551615';

describe('stat', () => {
  test.each([
    'node',
    'a) R 1 (b',
    '(sd-pam)',
    'with space',
    'new\nline',
    ')',
    '((',
    '',
    ') S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 1 2 3',
  ])('comm %j', (comm) => {
    expect(parseProcStat(`4711 (${comm}) ${REST}\n`)).toEqual({
      comm,
      state: 'S',
      parent: 1,
      threads: 11,
      startTicks: 987_654,
    });
  });
  test('any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 15 }), (comm) => {
        expect(parseProcStat(`1 (${comm}) ${REST}`)).toEqual({
          comm,
          state: 'S',
          parent: 1,
          threads: 11,
          startTicks: 987_654,
        });
      }),
    );
  });
  test.each(['', 'x', '1 (a', '1 a) S', ')(', '1 (a) S 1 2'])('%j is no stat line', (text) => {
    expect(parseProcStat(text)).toBeNull();
  });
  test('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        [null, 'object'].includes(parseProcStat(text) === null ? null : 'object'),
      ),
    );
  });
});

describe('cmdline', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['node\0server.js\0', ['node', 'server.js']],
    ['node\0\0', ['node', '']],
    ['nginx: master process /usr/sbin/nginx', ['nginx: master process /usr/sbin/nginx']],
    ['a b\0c\nd\0', ['a b', 'c\nd']],
    ['\0', ['']],
  ])('%j', (text, argv) => {
    expect(parseCmdline(text)).toEqual(argv);
  });
});

test('boot time', () => {
  expect(parseBootTime('cpu  1 2 3\nctxt 5\nbtime 1700000000\nprocesses 3\n')).toBe(1_700_000_000);
  expect(parseBootTime('xbtime 1\nbtime x\n')).toBeNull();
  expect(parseBootTime('')).toBeNull();
});

describe('cgroup file', () => {
  test('v2', () => {
    expect(parseCgroupFile('0::/system.slice/nginx.service\n')).toBe('/system.slice/nginx.service');
  });
  test('v1 alone: systemd’s own hierarchy, whatever else there is', () => {
    const text = '12:pids:/system.slice/x\n5:memory:/other\n1:name=systemd:/system.slice/ssh.service\n';
    expect(parseCgroupFile(text)).toBe('/system.slice/ssh.service');
  });
  test('both: v2 unless it stands at its root', () => {
    expect(parseCgroupFile('1:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n')).toBe(
      '/system.slice/b.service',
    );
    expect(parseCgroupFile('1:name=systemd:/system.slice/a.service\n0::/\n')).toBe('/system.slice/a.service');
  });
  test('a path with colons', () => {
    expect(parseCgroupFile('0::/system.slice/a:b.service\n')).toBe('/system.slice/a:b.service');
  });
  test('nothing', () => {
    expect(parseCgroupFile('')).toBeNull();
    expect(parseCgroupFile('0::/\n')).toBeNull();
  });
});

const ID = '0123456789abcdef'.repeat(4);

describe('cgroup path', () => {
  test.each<[string, string, string | null, { runtime: string; id: string } | null]>([
    ['system unit', '/system.slice/nginx.service', 'nginx.service', null],
    ['template unit', '/system.slice/system-getty.slice/getty@tty1.service', 'getty@tty1.service', null],
    ['user unit', '/user.slice/user-1000.slice/user@1000.service/app.slice/dev.service', 'dev.service', null],
    ['login session', '/user.slice/user-1000.slice/session-3.scope', 'session-3.scope', null],
    ['slice alone', '/system.slice', null, null],
    ['below a unit', '/system.slice/foo.service/worker', 'foo.service', null],
    ['docker, systemd driver', `/system.slice/docker-${ID}.scope`, null, { runtime: 'docker', id: ID }],
    ['docker, cgroupfs driver', `/docker/${ID}`, null, { runtime: 'docker', id: ID }],
    ['podman', `/machine.slice/libpod-${ID}.scope/container`, null, { runtime: 'podman', id: ID }],
    [
      'podman, rootless',
      `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`,
      'user@1000.service',
      { runtime: 'podman', id: ID },
    ],
    ['podman, cgroupfs driver', `/libpod_parent/libpod-${ID}`, null, { runtime: 'podman', id: ID }],
    [
      'containerd in Kubernetes',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-${ID}.scope`,
      null,
      { runtime: 'containerd', id: ID },
    ],
    [
      'CRI-O',
      `/kubepods.slice/kubepods-besteffort.slice/crio-${ID}.scope`,
      null,
      { runtime: 'cri-o', id: ID },
    ],
    [
      'Kubernetes, cgroupfs driver',
      `/kubepods/burstable/pod1/${ID}`,
      null,
      { runtime: 'containerd', id: ID },
    ],
    ['LXC', '/lxc.payload.web1', null, { runtime: 'lxc', id: 'web1' }],
    [
      'systemd-nspawn',
      '/machine.slice/machine-debian.scope/payload',
      null,
      { runtime: 'machine', id: 'debian' },
    ],
    ['root', '/', null, null],
    ['empty', '', null, null],
  ])('%s', (_what, path, unit, container) => {
    expect(readCgroupPath(path)).toEqual({
      unit,
      container: container === null ? null : { ...container, name: null },
    });
  });
  test('a unit inside a container is the unit, in the container', () => {
    expect(readCgroupPath(`/system.slice/docker-${ID}.scope/system.slice/cron.service`)).toEqual({
      unit: 'cron.service',
      container: { runtime: 'docker', id: ID, name: null },
    });
  });
  test('63 or 65 digits are no container', () => {
    for (const id of [ID.slice(1), `${ID}0`, ID.toUpperCase()]) {
      expect(readCgroupPath(`/docker/${id}`).container).toBeNull();
    }
  });
});
