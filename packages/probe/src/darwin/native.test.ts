// The declarations of macOS's calls, called: a library built here has the same functions with the same signatures, and says
// what it was given. Only the names and what they do are Apple's; how arguments pass is the platform's.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseBsdInfo, parsePidList } from '../parse/darwin-libproc.ts';
import { bind, type DarwinCalls, loadDarwin } from './native.ts';
import { filled, ownBuffer } from './processes.ts';

const SOURCE = `
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <stddef.h>
int proc_listpids(uint32_t type, uint32_t info, void *out, int size) {
  int32_t pids[] = {0, 7, 3};
  if (type != 1 || info != 0 || size < (int)sizeof pids) return 0;
  memcpy(out, pids, sizeof pids);
  return sizeof pids;
}
int proc_pidinfo(int pid, int flavor, uint64_t arg, void *out, int size) {
  if (pid == 1) { errno = EPERM; return 0; }
  if (out == NULL) return size == 0 && arg == 0 ? 80 : -1;
  if (flavor != 3 || size < 136) return 0;
  memset(out, 0, 136);
  ((uint32_t *)out)[3] = pid;
  strcpy((char *)out + 64, "robot");
  return 136;
}
int proc_pidfdinfo(int pid, int fd, int flavor, void *out, int size) {
  int32_t given[] = {pid, fd, flavor, size};
  if (size < (int)sizeof given) return 0;
  memcpy(out, given, sizeof given);
  return sizeof given;
}
int proc_pidpath(int pid, void *out, uint32_t size) {
  if (pid != 7 || size != 64) { errno = ESRCH; return 0; }
  strcpy(out, "/sbin/robot");
  return 11;
}
int sysctlbyname(const char *name, void *out, size_t *size, void *in, size_t in_size) {
  if (strcmp(name, "net.inet.ip.portrange.first") != 0 || in != NULL || in_size != 0) { errno = ENOENT; return -1; }
  if (out == NULL) { *size = 4; return 0; }
  if (*size < 4) { errno = ENOMEM; return -1; }
  int32_t value = 49152;
  memcpy(out, &value, 4);
  *size = 4;
  return 0;
}
int sysctl(int *path, unsigned count, void *out, size_t *size, void *in, size_t in_size) {
  if (count != 3 || path[0] != 1 || path[1] != 49 || in != NULL || in_size != 0) { errno = EINVAL; return -1; }
  if (*size < 4) { errno = ENOMEM; return -1; }
  memcpy(out, &path[2], 4);
  *size = 4;
  return 0;
}
`;

const folder = mkdtempSync(join(tmpdir(), 'portolan-native-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const library = join(folder, 'mac.so');
writeFileSync(join(folder, 'mac.c'), SOURCE);
const built = spawnSync('cc', ['-shared', '-fPIC', '-o', library, join(folder, 'mac.c')], {
  encoding: 'utf8',
});
const why = built.status === 0 ? '' : ` (skipped: no C compiler: ${built.error?.message ?? built.stderr})`;

describe.skipIf(built.status !== 0)(`a library of the same functions${why}`, () => {
  let calls: DarwinCalls;
  beforeAll(() => {
    const koffi = createRequire(import.meta.url)('koffi') as Parameters<typeof bind>[0];
    calls = bind(koffi, library, library);
  });
  const ints = (bytes: Uint8Array): number[] => [...new Int32Array(bytes.buffer, 0, 4)];

  test('processes', () => {
    expect(parsePidList(filled(64, (out) => calls.listPids(out)) ?? new Uint8Array())).toEqual([3, 7]);
    expect(calls.pidInfo(7, 1, null)).toBe(80);
    const out = ownBuffer(136);
    expect(calls.pidInfo(7, 3, out)).toBe(136);
    expect(parseBsdInfo(out)).toMatchObject({ pid: 7, name: 'robot' });
    expect(calls.pidFdInfo(7, 12, 3, out)).toBe(16);
    expect(ints(out)).toEqual([7, 12, 3, 136]);
    const path = ownBuffer(64);
    expect([calls.pidPath(7, path), Buffer.from(path).toString('utf8', 0, 11)]).toEqual([11, '/sbin/robot']);
  });
  test('a refusal is told from nothing', () => {
    expect([calls.pidInfo(1, 3, ownBuffer(136)), calls.errno()]).toEqual([0, 1]);
    expect([calls.pidInfo(7, 99, ownBuffer(136)), calls.errno()]).toEqual([0, 0]);
  });
  test('settings by name and by number', () => {
    const out = ownBuffer(16);
    expect(calls.sysctl('net.inet.ip.portrange.first', null)).toBe(4);
    expect([calls.sysctl('net.inet.ip.portrange.first', out), ints(out)[0]]).toEqual([4, 49_152]);
    expect(calls.sysctl('no.such', out)).toBe(-1);
    expect(calls.sysctl('net.inet.ip.portrange.first', ownBuffer(2))).toBe(-1);
    expect([calls.processArguments(4711, out), ints(out)[0]]).toEqual([4, 4711]);
  });
  test.runIf(process.platform === 'linux')('users and sockets, by the C library here', () => {
    expect(calls.userName(0)).toBe('root');
    expect(calls.userName(4_000_000_001)).toBeNull();
    const fd = calls.socket(2, 2, 0);
    expect(fd).toBeGreaterThan(2);
    expect(calls.close(fd)).toBe(0);
  });
});

test.runIf(process.platform !== 'darwin')('elsewhere there is nothing to load, and that is no error', () => {
  expect(loadDarwin()).toBeNull();
});
