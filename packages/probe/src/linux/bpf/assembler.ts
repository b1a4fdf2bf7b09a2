// BPF instructions to bytes (Documentation/bpf/standardization/instruction-set.rst): the few our programs need.

/** Register numbers: r0 is a result, r1–r5 are arguments, r6–r9 survive calls, r10 is the frame. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** Bytes a load or store moves. */
export type Width = 1 | 2 | 4 | 8;

const LOAD: Readonly<Record<Width, number>> = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 };
const STORE: Readonly<Record<Width, number>> = { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b };
const JUMPS = { always: 0x05, equal: 0x15, notEqual: 0x55, atLeast: 0x35 } as const;
const CALL = 0x85;
const LOAD_64 = 0x18;
/** src_reg of a call to a kernel function by its BTF id, and of a load of a map's value (linux/bpf.h). */
const PSEUDO_KFUNC_CALL = 2;
const PSEUDO_MAP_VALUE = 2;

interface Instruction {
  readonly code: number;
  readonly target: number;
  readonly source: number;
  readonly offset: number | string;
  readonly value: number;
}

/** Collects instructions; jumps go to names, which are resolved at the end. */
export class Assembler {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();

  #add(code: number, target: number, source: number, offset: number | string, value: number): void {
    this.#instructions.push({ code, target, source, offset, value });
  }

  /** The next instruction can be jumped to by this name. */
  label(name: string): void {
    this.#labels.set(name, this.#instructions.length);
  }

  /** target = source */
  move(target: Register, source: Register): void {
    this.#add(0xbf, target, source, 0, 0);
  }

  /** target = value */
  set(target: Register, value: number): void {
    this.#add(0xb7, target, 0, 0, value);
  }

  /** target += value */
  add(target: Register, value: number): void {
    this.#add(0x07, target, 0, 0, value);
  }

  /** target += source */
  addRegister(target: Register, source: Register): void {
    this.#add(0x0f, target, source, 0, 0);
  }

  /** target *= value */
  multiply(target: Register, value: number): void {
    this.#add(0x27, target, 0, 0, value);
  }

  /** target &= value */
  and(target: Register, value: number): void {
    this.#add(0x57, target, 0, 0, value);
  }

  /** target |= source */
  or(target: Register, source: Register): void {
    this.#add(0x4f, target, source, 0, 0);
  }

  /** target <<= bits */
  shiftLeft(target: Register, bits: number): void {
    this.#add(0x67, target, 0, 0, bits);
  }

  /** target = *(source + offset) */
  load(width: Width, target: Register, source: Register, offset: number): void {
    this.#add(LOAD[width], target, source, offset, 0);
  }

  /** *(target + offset) = source */
  store(width: Width, target: Register, offset: number, source: Register): void {
    this.#add(STORE[width], target, source, offset, 0);
  }

  /** Goes to `label`, always or where the register compares so with the value. */
  jump(label: string): void {
    this.#add(JUMPS.always, 0, 0, label, 0);
  }

  jumpIf(register: Register, how: 'equal' | 'notEqual' | 'atLeast', value: number, label: string): void {
    this.#add(JUMPS[how], register, 0, label, value);
  }

  /** Goes to `label` where both registers are equal. */
  jumpIfSame(a: Register, b: Register, label: string): void {
    this.#add(0x1d, a, b, label, 0);
  }

  /** Calls a helper by its number (linux/bpf.h, enum bpf_func_id). */
  call(helper: number): void {
    this.#add(CALL, 0, 0, 0, helper);
  }

  /** Calls a function of the kernel by its BTF id. */
  callKernel(id: number): void {
    this.#add(CALL, 0, PSEUDO_KFUNC_CALL, 0, id);
  }

  /** target = address of the only value of an array map. */
  mapValue(target: Register, map: number): void {
    this.#add(LOAD_64, target, PSEUDO_MAP_VALUE, 0, map);
    this.#add(0, 0, 0, 0, 0);
  }

  /** Ends the program with r0 as its result. */
  exit(): void {
    this.#add(0x95, 0, 0, 0, 0);
  }

  /** The program; `into` makes the buffer. Throws for a jump to a name that is not there. */
  bytes(into: (length: number) => Buffer): Buffer {
    const out = into(this.#instructions.length * 8);
    for (const [index, { code, target, source, offset, value }] of this.#instructions.entries()) {
      const at = index * 8;
      out[at] = code;
      out[at + 1] = target | (source << 4);
      out.writeInt16LE(typeof offset === 'number' ? offset : this.#distance(offset, index), at + 2);
      out.writeInt32LE(value, at + 4);
    }
    return out;
  }

  #distance(label: string, from: number): number {
    const target = this.#labels.get(label);
    if (target === undefined) throw new Error(`no label ${label}`);
    return target - from - 1;
  }
}
