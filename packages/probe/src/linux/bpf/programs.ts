// The BPF programs: two that list descriptors of internet sockets, one for Linux 6.4 and later, one for 5.11; and one that
// tells processes' network namespaces.
import type { KernelFacts } from '../../parse/linux-btf.ts';
import { Assembler } from './assembler.ts';

/**
 * A record, eight 32-bit words: start of the process in nanoseconds after boot (two words, the lower first), inode,
 * process (tgid), thread (pid), descriptor, network namespace, and local port << 16 | address family.
 */
export const RECORD_WORDS = 8;
export const RECORD_BYTES = 32;
/**
 * Before the records in the map: how many there are, whether some found no room, the room of our own process's table of
 * descriptors (4 of 8 bytes), what the `f_op` of a socket is, and that of a file which is none (8 bytes each).
 */
export const HEADER_BYTES = 32;
/** Where in the map these are. */
export const OWN_ROOM = 8;
export const SOCKET_OP = 16;
export const OTHER_OP = 24;

/** What is known of our own process: what a list is proved by. */
export interface Own {
  readonly pid: number;
  /** Descriptors of a socket and of a file that is none. */
  readonly socket: number;
  readonly other: number;
}

const AF_INET = 2;
const AF_INET6 = 10;
const HELPER_SEQ_WRITE = 127;
const HELPER_SOCK_FROM_FILE = 162;

/** True where the kernel has what the faster program calls (open-coded iterators, Linux 6.4). */
export function canLoop({ functions }: KernelFacts): boolean {
  return (
    functions.bpf_iter_task > 0 &&
    functions.bpf_iter_num_new > 0 &&
    functions.bpf_iter_num_next > 0 &&
    functions.bpf_iter_num_destroy > 0 &&
    functions.bpf_rdonly_cast > 0
  );
}

/**
 * Runs once a task and goes through its descriptors itself: four times as fast as being called for each. Records go
 * into the map. What a socket's `f_op` is, it has to learn before from a socket of our own, so that other files cost one
 * comparison: run over our own process first, it learns and records nothing. Of that process, sockets without a port are
 * recorded too.
 */
export function taskProgram(
  facts: KernelFacts,
  map: number,
  capacity: number,
  port: number | null,
  own: Own,
): Assembler {
  const { offsets, structures, functions } = facts;
  const asm = new Assembler();
  // r6 task, r7 descriptor array, r8 map value, r9 descriptor number; -8 iterator, -24 inode, -32 f_op
  asm.load(8, 6, 1, 8);
  asm.jumpIf(6, 'equal', 0, 'out');
  // Of a pointer that it does not trust, the verifier asks no more; of each that a trusted one leads to, it looks through
  // the names of all the kernel's types several times, which takes longer than all else it does.
  asm.move(1, 6);
  asm.set(2, structures.task_struct);
  asm.callKernel(functions.bpf_rdonly_cast);
  asm.move(6, 0);
  asm.load(8, 7, 6, offsets['task_struct.files']);
  asm.jumpIf(7, 'equal', 0, 'out');
  // A thread that shares its process's descriptors has nothing to add.
  asm.load(8, 1, 6, offsets['task_struct.group_leader']);
  asm.jumpIfSame(1, 6, 'own');
  asm.jumpIf(1, 'equal', 0, 'own');
  asm.load(8, 2, 1, offsets['task_struct.files']);
  asm.jumpIfSame(2, 7, 'out');
  asm.label('own');
  asm.load(8, 7, 7, offsets['files_struct.fdt']);
  asm.load(4, 3, 7, offsets['fdtable.max_fds']);
  asm.load(8, 7, 7, offsets['fdtable.fd']);
  asm.mapValue(8, map);
  asm.load(4, 1, 6, offsets['task_struct.tgid']);
  asm.jumpIf(1, 'notEqual', own.pid, 'foreign');
  asm.store(4, 8, OWN_ROOM, 3);
  asm.label('foreign');
  asm.load(8, 1, 8, SOCKET_OP);
  asm.store(8, 10, -32, 1);
  asm.move(1, 10);
  asm.add(1, -8);
  asm.set(2, 0);
  asm.callKernel(functions.bpf_iter_num_new);
  asm.label('next');
  asm.move(1, 10);
  asm.add(1, -8);
  asm.callKernel(functions.bpf_iter_num_next);
  asm.jumpIf(0, 'equal', 0, 'done');
  asm.load(4, 9, 0, 0);
  // The array's place is read as if it were the member of a file there: a load that may fail costs less than the helper.
  asm.move(1, 9);
  asm.shiftLeft(1, 3);
  asm.addRegister(1, 7);
  asm.add(1, -offsets['file.f_inode']);
  asm.set(2, structures.file);
  asm.callKernel(functions.bpf_rdonly_cast);
  asm.load(8, 1, 0, offsets['file.f_inode']);
  asm.jumpIf(1, 'equal', 0, 'next');
  asm.set(2, structures.file);
  asm.callKernel(functions.bpf_rdonly_cast);
  asm.load(8, 2, 0, offsets['file.f_op']);
  asm.load(8, 3, 10, -32);
  asm.jumpIfSame(2, 3, 'socket');
  asm.jumpIf(3, 'notEqual', 0, 'next');
  asm.jumpIf(9, 'equal', own.other, 'other');
  asm.jumpIf(9, 'notEqual', own.socket, 'next');
  asm.store(8, 8, SOCKET_OP, 2);
  asm.jump('next');
  asm.label('other');
  asm.store(8, 8, OTHER_OP, 2);
  asm.jump('next');
  asm.label('socket');
  asm.load(8, 3, 0, offsets['file.f_inode']);
  asm.store(8, 10, -24, 3);
  asm.load(8, 1, 0, offsets['file.private_data']);
  asm.jumpIf(1, 'equal', 0, 'next');
  asm.set(2, structures.socket);
  asm.callKernel(functions.bpf_rdonly_cast);
  asm.load(8, 1, 0, offsets['socket.sk']);
  asm.jumpIf(1, 'equal', 0, 'next');
  familyAndPort(asm, facts, { skip: 'next', port, task: 6, own: own.pid });
  // r2 family, r3 port, r1 sock
  asm.load(4, 4, 8, 0);
  asm.jumpIf(4, 'atLeast', capacity, 'full');
  asm.move(5, 4);
  asm.add(5, 1);
  asm.store(4, 8, 0, 5);
  asm.multiply(4, RECORD_BYTES);
  asm.add(4, HEADER_BYTES);
  asm.move(5, 8);
  asm.addRegister(5, 4);
  asm.shiftLeft(3, 16);
  asm.or(2, 3);
  asm.store(4, 5, 28, 2);
  asm.load(4, 2, 6, offsets['task_struct.tgid']);
  asm.store(4, 5, 12, 2);
  asm.load(4, 2, 6, offsets['task_struct.pid']);
  asm.store(4, 5, 16, 2);
  asm.store(4, 5, 20, 9);
  asm.load(8, 2, 6, offsets['task_struct.group_leader']);
  asm.load(8, 2, 2, offsets['task_struct.start_boottime']);
  asm.store(8, 5, 0, 2);
  asm.load(8, 2, 1, offsets['sock_common.skc_net']);
  asm.load(4, 2, 2, offsets['net.ns'] + offsets['ns_common.inum']);
  asm.store(4, 5, 24, 2);
  // The inode's address went over the stack, which keeps no types: it is cast again.
  asm.move(9, 5);
  asm.load(8, 1, 10, -24);
  asm.set(2, structures.inode);
  asm.callKernel(functions.bpf_rdonly_cast);
  asm.load(8, 2, 0, offsets['inode.i_ino']);
  asm.store(4, 9, 8, 2);
  asm.jump('next');
  asm.label('full');
  asm.set(2, 1);
  asm.store(4, 8, 4, 2);
  asm.label('done');
  asm.move(1, 10);
  asm.add(1, -8);
  asm.callKernel(functions.bpf_iter_num_destroy);
  asm.label('out');
  asm.set(0, 0);
  asm.exit();
  return asm;
}

/** Runs once a descriptor; the kernel leaves out threads that share. Records are written to the iterator's file. */
export function fileProgram(facts: KernelFacts, port: number | null, own: Own): Assembler {
  const { offsets } = facts;
  const asm = new Assembler();
  // r6 context, r7 file, r8 task, r1 sock
  asm.move(6, 1);
  asm.load(8, 7, 6, 24);
  asm.load(8, 8, 6, 8);
  asm.jumpIf(7, 'equal', 0, 'out');
  asm.jumpIf(8, 'equal', 0, 'out');
  asm.move(1, 7);
  asm.call(HELPER_SOCK_FROM_FILE);
  asm.jumpIf(0, 'equal', 0, 'out');
  asm.load(8, 1, 0, offsets['socket.sk']);
  asm.jumpIf(1, 'equal', 0, 'out');
  familyAndPort(asm, facts, { skip: 'out', port, task: 8, own: own.pid });
  asm.shiftLeft(3, 16);
  asm.or(2, 3);
  asm.store(4, 10, -4, 2);
  asm.load(8, 2, 1, offsets['sock_common.skc_net']);
  asm.load(4, 2, 2, offsets['net.ns'] + offsets['ns_common.inum']);
  asm.store(4, 10, -8, 2);
  asm.load(4, 2, 6, 16);
  asm.store(4, 10, -12, 2);
  asm.load(4, 2, 8, offsets['task_struct.pid']);
  asm.store(4, 10, -16, 2);
  asm.load(4, 2, 8, offsets['task_struct.tgid']);
  asm.store(4, 10, -20, 2);
  asm.load(8, 2, 7, offsets['file.f_inode']);
  asm.load(8, 2, 2, offsets['inode.i_ino']);
  asm.store(4, 10, -24, 2);
  asm.load(8, 2, 8, offsets['task_struct.group_leader']);
  asm.load(8, 2, 2, offsets['task_struct.start_boottime']);
  asm.store(8, 10, -32, 2);
  asm.load(8, 1, 6, 0);
  asm.load(8, 1, 1, 0);
  asm.move(2, 10);
  asm.add(2, -RECORD_BYTES);
  asm.set(3, RECORD_BYTES);
  asm.call(HELPER_SEQ_WRITE);
  asm.label('out');
  asm.set(0, 0);
  asm.exit();
  return asm;
}

/** A record of `namespaceProgram`, two 32-bit words: process (tgid), and the inode of its network namespace. */
export const NAMESPACE_WORDS = 2;

/**
 * Runs once a task, and writes of each process whose namespace its first thread is in. One that has ended and waits for its
 * parent is in none. For kernels that can loop, for the sake of the same cast.
 */
export function namespaceProgram({ offsets, structures, functions }: KernelFacts): Assembler {
  const asm = new Assembler();
  // r6 task, r7 context
  asm.move(7, 1);
  asm.load(8, 1, 7, 8);
  asm.jumpIf(1, 'equal', 0, 'out');
  // As above, for the verifier's sake.
  asm.set(2, structures.task_struct);
  asm.callKernel(functions.bpf_rdonly_cast);
  asm.move(6, 0);
  asm.load(8, 1, 6, offsets['task_struct.group_leader']);
  asm.jumpIfSame(1, 6, 'first');
  asm.jump('out');
  asm.label('first');
  asm.load(8, 1, 6, offsets['task_struct.nsproxy']);
  asm.jumpIf(1, 'equal', 0, 'out');
  asm.load(8, 1, 1, offsets['nsproxy.net_ns']);
  asm.jumpIf(1, 'equal', 0, 'out');
  asm.load(4, 2, 1, offsets['net.ns'] + offsets['ns_common.inum']);
  asm.store(4, 10, -4, 2);
  asm.load(4, 2, 6, offsets['task_struct.tgid']);
  asm.store(4, 10, -8, 2);
  asm.load(8, 1, 7, 0);
  asm.load(8, 1, 1, 0);
  asm.move(2, 10);
  asm.add(2, -4 * NAMESPACE_WORDS);
  asm.set(3, 4 * NAMESPACE_WORDS);
  asm.call(HELPER_SEQ_WRITE);
  asm.label('out');
  asm.set(0, 0);
  asm.exit();
  return asm;
}

/** With the sock in r1: its family into r2 and its local port into r3, or off to `skip` if that was not asked for. */
function familyAndPort(
  asm: Assembler,
  { offsets }: KernelFacts,
  { skip, port, task, own }: { skip: string; port: number | null; task: 6 | 8; own: number },
): void {
  asm.load(2, 2, 1, offsets['sock_common.skc_family']);
  asm.jumpIf(2, 'equal', AF_INET, 'internet');
  asm.jumpIf(2, 'notEqual', AF_INET6, skip);
  asm.label('internet');
  asm.load(2, 3, 1, offsets['sock_common.skc_num']);
  if (port === null) asm.jumpIf(3, 'notEqual', 0, 'asked');
  else {
    asm.jumpIf(3, 'equal', port, 'asked');
    asm.jumpIf(3, 'notEqual', 0, skip);
  }
  asm.load(4, 4, task, offsets['task_struct.tgid']);
  asm.jumpIf(4, 'notEqual', own, skip);
  asm.label('asked');
}
