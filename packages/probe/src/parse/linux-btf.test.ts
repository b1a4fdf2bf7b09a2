// BTF made by a small encoder of our own, what damage does to it, and the running kernel's where it can be had.
import { existsSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isKernelFacts, type KernelFacts, readBuildId, readKernelFacts } from './linux-btf.ts';

const INT = 1;
const POINTER = 2;
const ARRAY = 3;
const STRUCT = 4;
const UNION = 5;
const ENUM = 6;
const FORWARD = 7;
const TYPEDEF = 8;
const VOLATILE = 9;
const CONST = 10;
const RESTRICT = 11;
const FUNC = 12;
const PROTO = 13;
const VAR = 14;
const SECTION = 15;
const FLOAT = 16;
const DECL_TAG = 17;
const TYPE_TAG = 18;
const ENUM64 = 19;

/** A member as the encoder takes it; without a name it is anonymous. */
interface Member {
  readonly name?: string;
  readonly type: number;
  readonly bits: number;
}

/** Writes BTF a type after another; `bytes` puts the header before them. */
class Encoder {
  readonly #types: Buffer[] = [];
  #strings = '\0';

  name(text: string): number {
    if (text === '') return 0;
    const found = this.#strings.indexOf(`\0${text}\0`);
    if (found >= 0) return found + 1;
    this.#strings += `${text}\0`;
    return this.#strings.length - text.length - 1;
  }

  add(
    kind: number,
    name: string,
    sizeOrType = 0,
    more: readonly number[] = [],
    entries = 0,
    flag = false,
  ): number {
    const out = Buffer.alloc(12 + 4 * more.length);
    out.writeUInt32LE(this.name(name), 0);
    out.writeUInt32LE((((flag ? 0x80 : 0) | kind) * 2 ** 24 + entries) >>> 0, 4);
    out.writeUInt32LE(sizeOrType >>> 0, 8);
    for (const [index, word] of more.entries()) out.writeUInt32LE(word >>> 0, 12 + 4 * index);
    return this.#types.push(out);
  }

  struct(name: string, members: readonly Member[], { kind = STRUCT, flag = false } = {}): number {
    const words = members.flatMap((member) => [this.name(member.name ?? ''), member.type, member.bits]);
    return this.add(kind, name, 4096, words, members.length, flag);
  }

  bytes(headerLength = 24): Buffer {
    const types = Buffer.concat(this.#types);
    const strings = Buffer.from(this.#strings, 'latin1');
    const header = Buffer.alloc(headerLength);
    header.writeUInt16LE(0xeb9f, 0);
    header[2] = 1;
    header.writeUInt32LE(headerLength, 4);
    header.writeUInt32LE(0, 8);
    header.writeUInt32LE(types.length, 12);
    header.writeUInt32LE(types.length, 16);
    header.writeUInt32LE(strings.length, 20);
    return Buffer.concat([header, types, strings]);
  }
}

type Structs = Readonly<Record<string, readonly Member[]>>;

/** Each structure of a kernel as it might be, with offsets that tell the members apart. */
const PLAIN: Structs = {
  task_struct: [
    { name: 'tgid', type: 1, bits: 64 },
    { name: 'pid', type: 1, bits: 96 },
    { name: 'group_leader', type: 1, bits: 128 },
    { name: 'files', type: 1, bits: 192 },
    { name: 'start_boottime', type: 1, bits: 256 },
    { name: 'nsproxy', type: 1, bits: 320 },
  ],
  nsproxy: [{ name: 'net_ns', type: 1, bits: 448 }],
  files_struct: [{ name: 'fdt', type: 1, bits: 320 }],
  fdtable: [
    { name: 'max_fds', type: 1, bits: 0 },
    { name: 'fd', type: 1, bits: 64 },
  ],
  file: [
    { name: 'f_op', type: 1, bits: 128 },
    { name: 'private_data', type: 1, bits: 192 },
    { name: 'f_inode', type: 1, bits: 256 },
  ],
  inode: [{ name: 'i_ino', type: 1, bits: 512 }],
  socket: [{ name: 'sk', type: 1, bits: 192 }],
  sock_common: [
    { name: 'skc_num', type: 1, bits: 112 },
    { name: 'skc_family', type: 1, bits: 128 },
    { name: 'skc_net', type: 1, bits: 384 },
  ],
  net: [{ name: 'ns', type: 1, bits: 1024 }],
  ns_common: [{ name: 'inum', type: 1, bits: 128 }],
};

const FUNCTIONS = [
  'bpf_iter_task',
  'bpf_iter_task_file',
  'bpf_iter_num_new',
  'bpf_iter_num_next',
  'bpf_iter_num_destroy',
  'bpf_rdonly_cast',
];

/** A whole kernel; `before` may add types first and give structures other members. */
function kernel(
  before: (btf: Encoder) => Structs = () => ({}),
  functions: readonly string[] = FUNCTIONS,
): Buffer {
  const btf = new Encoder();
  btf.add(INT, 'int', 4, [0x0100_0020]);
  const over = before(btf);
  for (const [name, members] of Object.entries({ ...PLAIN, ...over })) btf.struct(name, members);
  const proto = btf.add(PROTO, '', 1);
  for (const name of functions) btf.add(FUNC, name, proto);
  return btf.bytes();
}

function facts(bytes: Buffer): KernelFacts {
  const reading = readKernelFacts(bytes);
  if (!reading.ok) throw new Error(`${reading.problem} at ${reading.at}`);
  return reading.facts;
}

/** Never throws; says where it failed, within the bytes. */
function survives(bytes: Buffer): void {
  const reading = readKernelFacts(bytes);
  if (reading.ok) {
    expect(isKernelFacts(reading.facts)).toBe(true);
    return;
  }
  expect(reading.problem).not.toBe('');
  expect(Number.isInteger(reading.at) && reading.at >= 0 && reading.at <= bytes.length).toBe(true);
}

describe('facts', () => {
  test('offsets in bytes, ids in order', () => {
    const found = facts(kernel());
    expect(found.offsets).toEqual({
      'task_struct.group_leader': 16,
      'task_struct.files': 24,
      'task_struct.nsproxy': 40,
      'nsproxy.net_ns': 56,
      'task_struct.tgid': 8,
      'task_struct.pid': 12,
      'task_struct.start_boottime': 32,
      'files_struct.fdt': 40,
      'fdtable.max_fds': 0,
      'fdtable.fd': 8,
      'file.f_inode': 32,
      'file.f_op': 16,
      'file.private_data': 24,
      'inode.i_ino': 64,
      'socket.sk': 24,
      'sock_common.skc_family': 16,
      'sock_common.skc_num': 14,
      'sock_common.skc_net': 48,
      'net.ns': 128,
      'ns_common.inum': 16,
    });
    // Type 1 is the int; the structures follow, then a prototype, then the functions.
    expect(Object.values(found.structures).toSorted((a, b) => a - b)).toEqual([
      2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    ]);
    expect(FUNCTIONS.map((name) => found.functions[name as keyof typeof found.functions])).toEqual([
      13, 14, 15, 16, 17, 18,
    ]);
    expect(isKernelFacts(found)).toBe(true);
    expect(isKernelFacts(JSON.parse(JSON.stringify(found)))).toBe(true);
  });

  test('a function that this kernel does not have is 0', () => {
    const found = facts(kernel(undefined, ['bpf_iter_task_file', 'bpf_rdonly_cast_not']));
    expect(found.functions).toEqual({
      bpf_iter_task: 0,
      bpf_iter_task_file: 13,
      bpf_iter_num_new: 0,
      bpf_iter_num_next: 0,
      bpf_iter_num_destroy: 0,
      bpf_rdonly_cast: 0,
    });
  });

  test('members within anonymous structures and unions, behind every modifier', () => {
    const bytes = kernel((btf) => {
      let inner = btf.struct('', [{ name: 'skc_num', type: 1, bits: 16 }]);
      for (const kind of [TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG]) inner = btf.add(kind, '', inner);
      const middle = btf.struct('', [
        { name: 'other', type: 1, bits: 0 },
        { type: inner, bits: 64 },
      ]);
      const outer = btf.struct(
        '',
        [
          { type: middle, bits: 0 },
          { name: 'skc_net', type: 1, bits: 0 },
        ],
        { kind: UNION },
      );
      return {
        sock_common: [
          { name: 'skc_family', type: 1, bits: 0 },
          { type: outer, bits: 1024 },
        ],
      };
    });
    const { offsets } = facts(bytes);
    expect(offsets['sock_common.skc_num']).toBe((1024 + 64 + 16) / 8);
    expect(offsets['sock_common.skc_net']).toBe(128);
  });

  test('a named structure within is not looked into', () => {
    const bytes = kernel((btf) => {
      const inner = btf.struct('', [{ name: 'inum', type: 1, bits: 0 }]);
      return { ns_common: [{ name: 'inner', type: inner, bits: 64 }] };
    });
    expect(readKernelFacts(bytes)).toMatchObject({ ok: false, problem: 'ns_common has no inum' });
  });

  test('structures that have bit fields: the upper byte of an offset is a size', () => {
    const btf = new Encoder();
    btf.add(INT, 'int', 4, [0x0100_0020]);
    for (const [name, members] of Object.entries(PLAIN)) {
      const flag = name === 'inode';
      const bits = members.map((member) => (flag ? { ...member, bits: member.bits + 1 * 2 ** 24 } : member));
      btf.struct(name, bits, { flag });
    }
    const { offsets } = facts(btf.bytes());
    expect(offsets['inode.i_ino']).toBe(64);
  });

  test('a member at a bit that begins no byte is refused', () => {
    const bytes = kernel(() => ({ ns_common: [{ name: 'inum', type: 1, bits: 130 }] }));
    expect(readKernelFacts(bytes)).toMatchObject({ ok: false, problem: 'a member is a bit field' });
  });

  test('a forward declaration or an empty structure of the name is not it; the first definition is', () => {
    const bytes = kernel((btf) => {
      btf.add(FORWARD, 'file');
      btf.struct('file', []);
      return {};
    });
    expect(facts(bytes).offsets['file.f_op']).toBe(16);
    const twice = kernel((btf) => {
      btf.struct('file', PLAIN['file']?.map((member) => ({ ...member, bits: member.bits + 64 })) ?? []);
      return {};
    });
    expect(facts(twice).offsets['file.f_op']).toBe(24);
  });

  test('every kind of type is stepped over by its size', () => {
    const bytes = kernel((btf) => {
      btf.add(POINTER, '', 1);
      btf.add(ARRAY, '', 0, [1, 1, 7]);
      btf.add(ENUM, 'e', 4, [btf.name('a'), 1, btf.name('b'), 2], 2);
      btf.add(ENUM64, 'e', 8, [btf.name('a'), 1, 0], 1);
      btf.add(PROTO, '', 1, [btf.name('x'), 1, btf.name('y'), 1, 0, 0], 3);
      btf.add(VAR, 'v', 1, [1]);
      btf.add(SECTION, '.data', 64, [1, 0, 4, 1, 4, 4], 2);
      btf.add(FLOAT, 'double', 8);
      btf.add(DECL_TAG, 'tag', 1, [0xffff_ffff]);
      return {};
    });
    // Nine more types stand before the structures.
    expect(facts(bytes).structures.task_struct).toBe(2 + 9);
  });

  test('a longer header of the future', () => {
    const btf = new Encoder();
    btf.add(INT, 'int', 4, [0x0100_0020]);
    for (const [name, members] of Object.entries(PLAIN)) btf.struct(name, members);
    expect(facts(btf.bytes(32)).offsets['fdtable.fd']).toBe(8);
  });

  test('offsets that fit no BPF instruction are refused, also where only the sum does not', () => {
    const large = kernel(() => ({ inode: [{ name: 'i_ino', type: 1, bits: 0x8000 * 8 }] }));
    expect(readKernelFacts(large).ok).toBe(false);
    const sum = kernel(() => ({
      net: [{ name: 'ns', type: 1, bits: 0x7ff8 * 8 }],
      ns_common: [{ name: 'inum', type: 1, bits: 64 }],
    }));
    expect(readKernelFacts(sum).ok).toBe(false);
  });
});

describe('damage', () => {
  const whole = kernel((btf) => {
    const inner = btf.struct('', [{ name: 'skc_num', type: 1, bits: 16 }]);
    return {
      sock_common: [...(PLAIN['sock_common'] ?? []).slice(1), { type: btf.add(CONST, '', inner), bits: 64 }],
    };
  });

  test('cut at every length: an error with a place', () => {
    for (let length = 0; length < whole.length; length++) {
      const reading = readKernelFacts(whole.subarray(0, length));
      expect(reading.ok, `cut at ${length}`).toBe(false);
      survives(whole.subarray(0, length));
    }
    expect(readKernelFacts(whole).ok).toBe(true);
  });

  test('every byte changed in several ways', () => {
    for (let at = 0; at < whole.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const copy = Buffer.from(whole);
        copy[at] = (copy[at] ?? 0) ^ flip;
        survives(copy);
      }
    }
  });

  test('sizes and positions that lie', () => {
    for (const at of [4, 8, 12, 16, 20]) {
      for (const told of [0, 1, 23, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
        const copy = Buffer.from(whole);
        copy.writeUInt32LE(told, at);
        survives(copy);
      }
    }
  });

  test('a type that is not there, and modifiers that go round', () => {
    const inside = (member: (btf: Encoder) => number): Buffer =>
      kernel((btf) => ({ ns_common: [{ type: member(btf), bits: 0 }] }));
    expect(readKernelFacts(inside(() => 0xffff_ffff))).toMatchObject({
      ok: false,
      problem: 'no type 4294967295',
    });
    expect(readKernelFacts(inside(() => 0))).toMatchObject({ ok: false, problem: 'no type 0' });
    // Type 2 is a modifier of itself.
    expect(readKernelFacts(inside((btf) => btf.add(CONST, '', 2)))).toMatchObject({
      ok: false,
      problem: 'modifiers without end',
    });
  });

  test('structures that hold themselves many times over end soon', () => {
    for (const entries of [1, 2, 100, 5000]) {
      // Type 2 is the structure itself.
      const bytes = kernel((btf) => {
        const self = btf.struct(
          '',
          Array.from({ length: entries }, () => ({ type: 2, bits: 0 })),
        );
        return { ns_common: [{ type: self, bits: 0 }] };
      });
      expect(readKernelFacts(bytes).ok, `${entries} times`).toBe(false);
      survives(bytes);
    }
  });

  test('any bytes, with and without a header', () => {
    const header = whole.subarray(0, 24);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, headed) => {
        survives(Buffer.concat(headed ? [header, bytes] : [bytes]));
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const copy = Buffer.from(whole);
          for (const [at, value] of changes) copy[at] = value;
          survives(copy);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

const RUNNING = '/sys/kernel/btf/vmlinux';

test.skipIf(!existsSync(RUNNING))('the running kernel describes itself so that it is understood', () => {
  const found = facts(readFileSync(RUNNING));
  expect(isKernelFacts(found)).toBe(true);
  expect(found.functions.bpf_iter_task_file).toBeGreaterThan(0);
  // linux/fs.h, linux/net.h and net/sock.h have had these since long ago.
  expect(found.offsets['task_struct.pid'] + 4).toBe(found.offsets['task_struct.tgid']);
  expect(found.offsets['sock_common.skc_family']).toBe(16);
  expect(found.offsets['sock_common.skc_num']).toBe(14);
  expect(found.offsets['fdtable.max_fds']).toBe(0);
});

describe('build id', () => {
  const note = (name: string, type: number, value: Buffer): Buffer => {
    const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
    const head = Buffer.alloc(12);
    head.writeUInt32LE(name.length, 0);
    head.writeUInt32LE(value.length, 4);
    head.writeUInt32LE(type, 8);
    return Buffer.concat([head, pad(Buffer.from(name, 'latin1')), pad(value)]);
  };
  const id = Buffer.from('0123456789abcdef0123456789abcdef01234567', 'hex');

  test('among other notes', () => {
    const notes = Buffer.concat([
      note('Linux\0', 0, Buffer.from('abc')),
      note('GNU\0', 1, Buffer.alloc(16)),
      note('GNU\0', 3, id),
    ]);
    expect(readBuildId(notes)).toBe(id.toString('hex'));
  });

  test('none, or cut at any length', () => {
    expect(readBuildId(Buffer.alloc(0))).toBeNull();
    expect(readBuildId(note('GNU\0', 3, Buffer.alloc(0)))).toBeNull();
    const whole = note('GNU\0', 3, id);
    for (let length = 0; length < whole.length; length++)
      expect(readBuildId(whole.subarray(0, length)), `cut at ${length}`).toBeNull();
  });

  test('any bytes: hexadecimal digits or null, and an end', () => {
    const sizes = fc.constantFrom(0, 1, 3, 4, 12, 0x7fff_ffff, 0x8000_0000, 0xffff_fffd, 0xffff_ffff);
    const headed = fc
      .array(fc.tuple(sizes, sizes, fc.constantFrom(1, 3), fc.uint8Array({ maxLength: 24 })), {
        maxLength: 4,
      })
      .map((notes) =>
        Buffer.concat(
          notes.map(([name, value, type, body]) => {
            const head = Buffer.alloc(12);
            head.writeUInt32LE(name, 0);
            head.writeUInt32LE(value, 4);
            head.writeUInt32LE(type, 8);
            return Buffer.concat([head, body]);
          }),
        ),
      );
    fc.assert(
      fc.property(
        fc.oneof(
          headed,
          fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          const found = readBuildId(bytes);
          if (found !== null) expect(found).toMatch(/^([0-9a-f]{2})+$/);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test.skipIf(!existsSync('/sys/kernel/notes'))('the running kernel’s', () => {
    expect(readBuildId(readFileSync('/sys/kernel/notes'))).toMatch(/^[0-9a-f]{16,}$/);
  });
});

describe('kept facts', () => {
  const good = (): Record<'functions' | 'structures' | 'offsets', Record<string, unknown>> =>
    JSON.parse(JSON.stringify(facts(kernel())));

  test('no JSON of another shape passes', () => {
    for (const value of [null, 1, 'x', [], {}, [[], [], []], { functions: {}, structures: {}, offsets: {} }])
      expect(isKernelFacts(value), JSON.stringify(value)).toBe(false);
    fc.assert(fc.property(fc.jsonValue(), (value) => !isKernelFacts(value)));
  });

  test('each number must be there and be one', () => {
    for (const part of ['functions', 'structures', 'offsets'] as const) {
      for (const name of Object.keys(good()[part])) {
        for (const value of [
          undefined,
          null,
          '1',
          Number.NaN,
          Number.POSITIVE_INFINITY,
          -1,
          0.5,
          2 ** 31,
          2 ** 53,
          {},
          [],
        ]) {
          const copy = good();
          copy[part][name] = value;
          expect(isKernelFacts(copy), `${part}.${name} ${typeof value} ${JSON.stringify(value)}`).toBe(false);
        }
      }
    }
  });

  test('offsets must fit an instruction, their sum too', () => {
    const large = good();
    large.offsets['file.f_op'] = 0x8000;
    expect(isKernelFacts(large)).toBe(false);
    const sum = good();
    sum.offsets['net.ns'] = 0x7fff;
    sum.offsets['ns_common.inum'] = 1;
    expect(isKernelFacts(sum)).toBe(false);
  });

  test('what a prototype has is not there', () => {
    const text = JSON.stringify(good());
    expect(isKernelFacts(JSON.parse(text.replace('"task_struct.pid"', '"__proto__"')))).toBe(false);
    expect(isKernelFacts(JSON.parse(`{"__proto__":${text}}`))).toBe(false);
    expect(isKernelFacts(Object.create(good()))).toBe(false);
    const copy = good();
    expect(isKernelFacts({ ...copy, offsets: Object.create(copy.offsets) })).toBe(false);
  });
});
