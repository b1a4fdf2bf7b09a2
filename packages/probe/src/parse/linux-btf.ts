// BTF, the kernel's description of its own types (Documentation/bpf/btf.rst): ids and offsets that our BPF programs use.

/** Functions of the kernel, by name; null where this kernel has none of that name. */
const FUNCTIONS = [
  'bpf_iter_task',
  'bpf_iter_task_file',
  'bpf_iter_num_new',
  'bpf_iter_num_next',
  'bpf_iter_num_destroy',
  'bpf_rdonly_cast',
] as const;

/** Members whose offsets are needed, by structure. */
const MEMBERS = {
  task_struct: ['group_leader', 'files', 'nsproxy', 'tgid', 'pid', 'start_boottime'],
  files_struct: ['fdt'],
  fdtable: ['max_fds', 'fd'],
  file: ['f_inode', 'f_op', 'private_data'],
  inode: ['i_ino'],
  socket: ['sk'],
  sock_common: ['skc_family', 'skc_num', 'skc_net'],
  nsproxy: ['net_ns'],
  net: ['ns'],
  ns_common: ['inum'],
} as const;

type StructName = keyof typeof MEMBERS;
type FunctionName = (typeof FUNCTIONS)[number];
type MemberName = { [S in StructName]: `${S}.${(typeof MEMBERS)[S][number]}` }[StructName];

/** What a kernel build looks like inside, as far as it matters here. Plain data, so that it can be kept in a file. */
export interface KernelFacts {
  /** BTF ids of functions; 0 for those this kernel does not have. */
  readonly functions: Readonly<Record<FunctionName, number>>;
  /** BTF ids of structures. */
  readonly structures: Readonly<Record<StructName, number>>;
  /** Offsets of members, in bytes. */
  readonly offsets: Readonly<Record<MemberName, number>>;
}

/** The facts, or what is wrong with the bytes and where. */
export type BtfReading =
  | { readonly ok: true; readonly facts: KernelFacts }
  | { readonly ok: false; readonly problem: string; readonly at: number };

const MAGIC = 0xeb9f;
const HEADER = 24;
const KIND_STRUCT = 4;
const KIND_UNION = 5;
const KIND_FUNC = 12;
/** Modifiers that stand before a type: typedef, volatile, const, restrict, type tag. */
const MODIFIERS: ReadonlySet<number> = new Set([8, 9, 10, 11, 18]);
/** Bytes after the 12 of every type, by kind: fixed, and for each of its `vlen` entries. */
const SIZES: readonly (readonly [fixed: number, each: number])[] = [
  [0, 0], // unknown, never used
  [4, 0], // int
  [0, 0], // pointer
  [12, 0], // array
  [0, 12], // struct
  [0, 12], // union
  [0, 8], // enum
  [0, 0], // forward
  [0, 0], // typedef
  [0, 0], // volatile
  [0, 0], // const
  [0, 0], // restrict
  [0, 0], // function
  [0, 8], // function prototype
  [4, 0], // variable
  [0, 12], // data section
  [0, 0], // float
  [4, 0], // declaration tag
  [0, 0], // type tag
  [0, 12], // 64-bit enum
];
/** Structures within structures are followed so deep; the kernel's own need three. */
const DEPTH = 8;
/** Members that are looked at for one name; the kernel's largest structure has some hundred. */
const MEMBERS_LIMIT = 1 << 16;

/** Bytes that are not what they should be, told by throwing within this file only. */
class Malformed extends Error {
  readonly at: number;

  constructor(problem: string, at: number) {
    super(problem);
    this.at = at;
  }
}

/** Reads `/sys/kernel/btf/vmlinux`. Never throws; little-endian only, as are all machines this runs on. */
export function readKernelFacts(bytes: Buffer): BtfReading {
  try {
    const facts = new Types(bytes).facts();
    if (!isKernelFacts(facts)) throw new Malformed('an offset that fits no instruction', 0);
    return { ok: true, facts };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, problem: error.message, at: error.at };
    throw error;
  }
}

/** One scan over the types, then look-ups in what it noted. */
class Types {
  readonly #bytes: Buffer;
  /** Position of each type by id, in bytes. */
  readonly #at: number[] = [0];
  readonly #strings: number;
  readonly #stringsEnd: number;
  readonly #functions = new Map<number, number>();
  readonly #structures = new Map<number, number>();
  /** Members that may still be looked at for the name in hand. */
  #left = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    if (bytes.length < HEADER || bytes.readUInt16LE(0) !== MAGIC) throw new Malformed('no BTF header', 0);
    const header = bytes.readUInt32LE(4);
    const types = header + bytes.readUInt32LE(8);
    const typesEnd = types + bytes.readUInt32LE(12);
    this.#strings = header + bytes.readUInt32LE(16);
    this.#stringsEnd = this.#strings + bytes.readUInt32LE(20);
    if (typesEnd > bytes.length) throw new Malformed('types reach beyond the end', 12);
    if (this.#stringsEnd > bytes.length) throw new Malformed('names reach beyond the end', 20);
    this.#scan(types, typesEnd);
  }

  facts(): KernelFacts {
    const functions = {} as Record<FunctionName, number>;
    for (const name of FUNCTIONS) functions[name] = this.#functions.get(this.#nameAt(name)) ?? 0;
    const structures = {} as Record<StructName, number>;
    const offsets = {} as Record<MemberName, number>;
    for (const struct of Object.keys(MEMBERS) as StructName[]) {
      const id = this.#structures.get(this.#nameAt(struct));
      if (id === undefined) throw new Malformed(`no structure ${struct}`, 0);
      structures[struct] = id;
      for (const member of MEMBERS[struct]) {
        this.#left = MEMBERS_LIMIT;
        const offset = this.#member(id, this.#nameAt(member), 0, 0);
        if (offset === null) throw new Malformed(`${struct} has no ${member}`, this.#at[id] ?? 0);
        offsets[`${struct}.${member}` as MemberName] = offset;
      }
    }
    return { functions, structures, offsets };
  }

  #scan(start: number, end: number): void {
    const bytes = this.#bytes;
    const wantedFunctions = new Set(FUNCTIONS.map((name) => this.#nameAt(name)));
    const wantedStructures = new Set(Object.keys(MEMBERS).map((name) => this.#nameAt(name)));
    for (let at = start; at < end; ) {
      if (at + 12 > end) throw new Malformed('a type is cut short', at);
      const name = bytes.readUInt32LE(at);
      const info = bytes.readUInt32LE(at + 4);
      const kind = (info >>> 24) & 31;
      const entries = info & 0xffff;
      const size = SIZES[kind];
      if (size === undefined || kind === 0) throw new Malformed(`unknown kind of type ${kind}`, at);
      const id = this.#at.push(at) - 1;
      if (kind === KIND_FUNC && wantedFunctions.has(name)) this.#functions.set(name, id);
      // A forward declaration has no members; the first definition is the kernel's own.
      if (kind === KIND_STRUCT && entries > 0 && wantedStructures.has(name) && !this.#structures.has(name))
        this.#structures.set(name, id);
      at += 12 + size[0] + size[1] * entries;
      if (at > end) throw new Malformed('a type is cut short', this.#at[id] ?? 0);
    }
  }

  /** Offset of a name in the strings; -1 where it is not there. */
  #nameAt(name: string): number {
    const found = this.#bytes.indexOf(`\0${name}\0`, this.#strings, 'latin1');
    return found < 0 || found + name.length + 2 > this.#stringsEnd ? -1 : found + 1 - this.#strings;
  }

  /** Offset of a member in bytes, anonymous structures and unions included; null where there is none. */
  #member(id: number, name: number, base: number, depth: number): number | null {
    const at = this.#at[id];
    if (at === undefined || at === 0) throw new Malformed(`no type ${id}`, 0);
    const bytes = this.#bytes;
    const info = bytes.readUInt32LE(at + 4);
    const kind = (info >>> 24) & 31;
    if (kind !== KIND_STRUCT && kind !== KIND_UNION) return null;
    const bitFields = info >>> 31 === 1;
    for (let entry = 0; entry < (info & 0xffff); entry++) {
      const memberAt = at + 12 + entry * 12;
      if (this.#left-- <= 0) throw new Malformed('too many members', memberAt);
      const memberName = bytes.readUInt32LE(memberAt);
      const bits = bytes.readUInt32LE(memberAt + 8);
      const offset = base + (bitFields ? bits & 0xff_ffff : bits) / 8;
      if (memberName === name) {
        if (!Number.isInteger(offset)) throw new Malformed('a member is a bit field', memberAt);
        return offset;
      }
      if (memberName !== 0 || depth >= DEPTH) continue;
      const inner = this.#member(this.#plain(bytes.readUInt32LE(memberAt + 4)), name, offset, depth + 1);
      if (inner !== null) return inner;
    }
    return null;
  }

  /** The type behind modifiers. */
  #plain(id: number): number {
    for (let type = id, steps = 0; steps < DEPTH; steps++) {
      const at = this.#at[type];
      if (at === undefined || at === 0) throw new Malformed(`no type ${type}`, 0);
      if (!MODIFIERS.has((this.#bytes.readUInt32LE(at + 4) >>> 24) & 31)) return type;
      type = this.#bytes.readUInt32LE(at + 8);
    }
    throw new Malformed('modifiers without end', this.#at[id] ?? 0);
  }
}

const NT_GNU_BUILD_ID = 3;

/** The build id among ELF notes (elf(5), Nhdr), as hexadecimal digits; null where there is none. */
export function readBuildId(notes: Buffer): string | null {
  for (let at = 0; at + 12 <= notes.length; ) {
    const nameLength = notes.readUInt32LE(at);
    const length = notes.readUInt32LE(at + 4);
    const nameAt = at + 12;
    const valueAt = nameAt + ((nameLength + 3) & ~3);
    const next = valueAt + ((length + 3) & ~3);
    if (next > notes.length || next <= at) return null;
    const name = notes.toString('latin1', nameAt, nameAt + nameLength);
    if (name === 'GNU\0' && notes.readUInt32LE(at + 8) === NT_GNU_BUILD_ID && length > 0)
      return notes.toString('hex', valueAt, valueAt + length);
    at = next;
  }
  return null;
}

/** True where kept facts have the shape of `KernelFacts`, every number a sensible one. */
export function isKernelFacts(value: unknown): value is KernelFacts {
  if (typeof value !== 'object' || value === null) return false;
  const own = Object.hasOwn;
  if (!own(value, 'functions') || !own(value, 'structures') || !own(value, 'offsets')) return false;
  const { functions, structures, offsets } = value as Record<keyof KernelFacts, unknown>;
  const offsetNames = Object.entries(MEMBERS).flatMap(([struct, members]) =>
    members.map((member) => `${struct}.${member}` as MemberName),
  );
  // BPF instructions have 32 signed bits for an id and 16 for an offset
  // (Documentation/bpf/standardization/instruction-set.rst).
  if (
    !holdsNumbers(functions, FUNCTIONS, ID_MOST) ||
    !holdsNumbers(structures, Object.keys(MEMBERS), ID_MOST)
  )
    return false;
  if (!holdsNumbers(offsets, offsetNames, OFFSET_MOST)) return false;
  // These two are read in one step.
  return offsets['net.ns'] + offsets['ns_common.inum'] <= OFFSET_MOST;
}

const ID_MOST = 0x7fff_ffff;
const OFFSET_MOST = 0x7fff;

function holdsNumbers<Name extends string>(
  value: unknown,
  names: readonly Name[],
  most: number,
): value is Readonly<Record<Name, number>> {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Readonly<Record<string, unknown>>;
  return names.every((name) => {
    const number = Object.hasOwn(record, name) ? record[name] : null;
    return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= most;
  });
}
