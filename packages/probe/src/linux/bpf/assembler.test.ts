// Encodings of instructions, as the standard and the kernel's own disassembly (`bpftool prog dump xlated`) have them.
import { describe, expect, test } from 'vitest';
import { Assembler } from './assembler.ts';

/** The program in hexadecimal digits, an instruction a string. */
function encoded(write: (asm: Assembler) => void): string[] {
  const asm = new Assembler();
  write(asm);
  const text = asm.bytes((length) => Buffer.alloc(length)).toString('hex');
  return text.match(/.{16}/g) ?? [];
}

describe('single instructions', () => {
  test.each<[string, (asm: Assembler) => void, string]>([
    ['r6 = r1', (asm) => asm.move(6, 1), 'bf16000000000000'],
    ['r0 = 0', (asm) => asm.set(0, 0), 'b700000000000000'],
    ['r2 = -1', (asm) => asm.set(2, -1), 'b7020000ffffffff'],
    ['r1 += -8', (asm) => asm.add(1, -8), '07010000f8ffffff'],
    ['r3 += r7', (asm) => asm.addRegister(3, 7), '0f73000000000000'],
    ['r4 *= 32', (asm) => asm.multiply(4, 32), '2704000020000000'],
    ['r3 &= 0xf000', (asm) => asm.and(3, 0xf000), '5703000000f00000'],
    ['r2 |= r3', (asm) => asm.or(2, 3), '4f32000000000000'],
    ['r3 <<= 16', (asm) => asm.shiftLeft(3, 16), '6703000010000000'],
    ['r6 = *(u64 *)(r1 + 8)', (asm) => asm.load(8, 6, 1, 8), '7916080000000000'],
    ['r1 = *(u64 *)(r10 - 16)', (asm) => asm.load(8, 1, 10, -16), '79a1f0ff00000000'],
    ['r3 = *(u32 *)(r7 + 0)', (asm) => asm.load(4, 3, 7, 0), '6173000000000000'],
    ['r2 = *(u16 *)(r1 + 16)', (asm) => asm.load(2, 2, 1, 16), '6912100000000000'],
    ['r2 = *(u8 *)(r1 + 16)', (asm) => asm.load(1, 2, 1, 16), '7112100000000000'],
    ['*(u64 *)(r10 - 32) = r2', (asm) => asm.store(8, 10, -32, 2), '7b2ae0ff00000000'],
    ['*(u32 *)(r5 + 28) = r2', (asm) => asm.store(4, 5, 28, 2), '63251c0000000000'],
    ['*(u16 *)(r5 + 2) = r2', (asm) => asm.store(2, 5, 2, 2), '6b25020000000000'],
    ['*(u8 *)(r5 + 1) = r2', (asm) => asm.store(1, 5, 1, 2), '7325010000000000'],
    ['call bpf_probe_read_kernel#113', (asm) => asm.call(113), '8500000071000000'],
    ['call kernel-function', (asm) => asm.callKernel(0x1234), '8520000034120000'],
    ['exit', (asm) => asm.exit(), '9500000000000000'],
  ])('%s', (_, write, bytes) => {
    expect(encoded(write)).toEqual([bytes]);
  });

  test('the address of a map’s value takes two', () => {
    expect(encoded((asm) => asm.mapValue(8, 7))).toEqual(['1828000007000000', '0000000000000000']);
  });

  test('the bytes run from the lowest: the standard’s own order for these machines', () => {
    const asm = new Assembler();
    asm.set(1, 0x0102_0304);
    expect([...asm.bytes((length) => Buffer.alloc(length))]).toEqual([0xb7, 1, 0, 0, 4, 3, 2, 1]);
  });
});

describe('jumps', () => {
  test('forward and back, counted from the instruction behind', () => {
    expect(
      encoded((asm) => {
        asm.label('again');
        asm.jumpIf(1, 'equal', 0, 'out');
        asm.jumpIf(2, 'notEqual', 10, 'again');
        asm.jumpIf(3, 'atLeast', 5, 'out');
        asm.jumpIfSame(2, 3, 'again');
        asm.jump('again');
        asm.label('out');
        asm.exit();
      }),
    ).toEqual([
      '1501040000000000',
      '5502feff0a000000',
      '3503020005000000',
      '1d32fcff00000000',
      '0500fbff00000000',
      '9500000000000000',
    ]);
  });

  test('over an instruction that takes two places', () => {
    expect(
      encoded((asm) => {
        asm.jump('out');
        asm.mapValue(8, 1);
        asm.label('out');
        asm.exit();
      })[0],
    ).toBe('0500020000000000');
  });

  test('to nowhere is an error', () => {
    expect(() => encoded((asm) => asm.jump('nowhere'))).toThrow('nowhere');
  });
});

test('what does not fit its field is an error and no other instruction', () => {
  expect(() => encoded((asm) => asm.load(8, 1, 1, 0x8000))).toThrow(RangeError);
  expect(() => encoded((asm) => asm.callKernel(2 ** 31))).toThrow(RangeError);
});
