// The programs as they come out of the assembler, for kernels of any layout.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isKernelFacts, type KernelFacts } from '../../parse/linux-btf.ts';
import { canLoop, fileProgram, namespaceProgram, taskProgram } from './programs.ts';

const OWN = { pid: 4711, socket: 20, other: 21 };
const id = fc.integer({ min: 1, max: 0x7fff_ffff });
const offset = fc.integer({ min: 0, max: 0x3fff });
const anyFacts: fc.Arbitrary<KernelFacts> = fc.record({
  functions: fc.record({
    bpf_iter_task: id,
    bpf_iter_task_file: id,
    bpf_iter_num_new: id,
    bpf_iter_num_next: id,
    bpf_iter_num_destroy: id,
    bpf_rdonly_cast: id,
  }),
  structures: fc.record({
    task_struct: id,
    files_struct: id,
    fdtable: id,
    file: id,
    inode: id,
    socket: id,
    sock_common: id,
    nsproxy: id,
    net: id,
    ns_common: id,
  }),
  offsets: fc.record({
    'task_struct.group_leader': offset,
    'task_struct.files': offset,
    'task_struct.nsproxy': offset,
    'nsproxy.net_ns': offset,
    'task_struct.tgid': offset,
    'task_struct.pid': offset,
    'task_struct.start_boottime': offset,
    'files_struct.fdt': offset,
    'fdtable.max_fds': offset,
    'fdtable.fd': offset,
    'file.f_inode': offset,
    'file.f_op': offset,
    'file.private_data': offset,
    'inode.i_ino': offset,
    'socket.sk': offset,
    'sock_common.skc_family': offset,
    'sock_common.skc_num': offset,
    'sock_common.skc_net': offset,
    'net.ns': offset,
    'ns_common.inum': offset,
  }),
});

test('whatever passes as facts can be put into instructions, every jump within the program', () => {
  fc.assert(
    fc.property(anyFacts, fc.option(fc.integer({ min: 1, max: 65_535 })), (facts, port) => {
      expect(isKernelFacts(facts)).toBe(true);
      for (const asm of [
        taskProgram(facts, 5, 1024, port, OWN),
        fileProgram(facts, port, OWN),
        namespaceProgram(facts),
      ]) {
        const bytes = asm.bytes((length) => Buffer.alloc(length));
        const count = bytes.length / 8;
        expect(bytes[bytes.length - 8]).toBe(0x95);
        for (let index = 0; index < count; index++) {
          const code = bytes[index * 8] ?? 0;
          // Class JMP but for calls and exits.
          if ((code & 7) !== 5 || code === 0x85 || code === 0x95) continue;
          const to = index + 1 + bytes.readInt16LE(index * 8 + 2);
          expect(to).toBeGreaterThanOrEqual(0);
          expect(to).toBeLessThan(count);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('without any one of its functions the faster program is not for this kernel', () => {
  const [facts] = fc.sample(anyFacts, 1) as [KernelFacts];
  expect(canLoop(facts)).toBe(true);
  for (const name of Object.keys(facts.functions)) {
    const lacking = { ...facts, functions: { ...facts.functions, [name]: 0 } };
    expect(canLoop(lacking), name).toBe(name === 'bpf_iter_task_file');
  }
});
