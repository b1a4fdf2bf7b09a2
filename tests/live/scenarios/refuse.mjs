// Runs a program under a seccomp filter that refuses one call with one error: `refuse.mjs CALL ERRNO FILE ARGS…`.
// CALL is `bind`, or `socket6`: socket(2) for AF_INET6. Ends with the program's exit code.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';

const requireAsProbe = createRequire(new URL('../../../packages/probe/package.json', import.meta.url));
const koffi = requireAsProbe('koffi');
const prctl = koffi.load(null).func('int prctl(int, uint64_t, uint64_t, uint64_t, uint64_t)');

const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const RET_ALLOW = 0x7fff0000;
const RET_ERRNO = 0x00050000;
/** BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K. */
const [LOAD, JUMP_EQUAL, RETURN] = [0x20, 0x15, 0x06];
/** Offsets into struct seccomp_data: the call's number, its first argument. */
const [NUMBER, FIRST] = [0, 16];
const AF_INET6 = 10;
const CALLS = process.arch === 'arm64' ? { bind: 200, socket: 198 } : { bind: 49, socket: 41 };

const [call, errno, file, ...args] = process.argv.slice(2);
const refusal = RET_ERRNO | constants.errno[errno];
const program =
  call === 'bind'
    ? [
        [LOAD, 0, 0, NUMBER],
        [JUMP_EQUAL, 0, 1, CALLS.bind],
        [RETURN, 0, 0, refusal],
        [RETURN, 0, 0, RET_ALLOW],
      ]
    : [
        [LOAD, 0, 0, NUMBER],
        [JUMP_EQUAL, 0, 3, CALLS.socket],
        [LOAD, 0, 0, FIRST],
        [JUMP_EQUAL, 0, 1, AF_INET6],
        [RETURN, 0, 0, refusal],
        [RETURN, 0, 0, RET_ALLOW],
      ];
const code = Buffer.from(new ArrayBuffer(program.length * 8));
for (const [index, [op, yes, no, k]] of program.entries()) {
  code.writeUInt16LE(op, index * 8);
  code[index * 8 + 2] = yes;
  code[index * 8 + 3] = no;
  code.writeUInt32LE(k >>> 0, index * 8 + 4);
}
const filter = Buffer.from(new ArrayBuffer(16));
filter.writeUInt16LE(program.length, 0);
filter.writeBigUInt64LE(BigInt(koffi.address(code)), 8);
// The filter is this thread's and its children's: the program is started from this thread.
if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error('no_new_privs was refused');
if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, koffi.address(filter), 0, 0) !== 0)
  throw new Error('the filter was refused');
const { status, error } = spawnSync(file, args, { stdio: 'inherit' });
if (error !== undefined) throw error;
process.exit(status ?? 70);
