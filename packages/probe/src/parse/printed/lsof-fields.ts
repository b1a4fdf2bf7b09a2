// `lsof -F`: one field a line, or a set of fields a line with NUL between them (-F0).
import { LsofFiles } from './lsof.ts';
import type { Out, Recogniser, Section } from './row.ts';

/** Letters of fields (man lsof(8), OUTPUT FOR OTHER PROGRAMS). */
const FIELD = /^[acCdDfFgGiklLmnNoprRsSTtuzP]/;

export const lsofFields: Recogniser = {
  format: 'lsof-fields',
  heading: null,
  row: /^p\d{1,10}(?:\0.*)?$/,
  open: (out) => new FieldsSection(out),
};

class FieldsSection implements Section {
  readonly #out: Out;
  readonly #files: LsofFiles;
  #process: Record<string, string> = {};
  #file: Record<string, string> = {};
  /** Fields of a set need not begin with `f`: with -Fpn each name is a file of its own. */
  #told = false;

  constructor(out: Out) {
    this.#out = out;
    this.#files = new LsofFiles(out);
  }

  line(_text: string, number: number, raw: string): boolean {
    const fields = raw.split('\0').filter((field) => field !== '');
    if (fields.length === 0 || !fields.every((field) => FIELD.test(field))) return false;
    // A word of several letters after a name of a field may be any text: only what fields can hold is taken.
    if (fields.length === 1 && !isField(fields[0] ?? '')) return false;
    for (const field of fields) this.#field(field.charAt(0), field.slice(1), number);
    return true;
  }

  #field(letter: string, value: string, number: number): void {
    if (letter === 'p') {
      this.#end();
      this.#process = { p: value };
      this.#file = {};
    } else if ('cuLgR'.includes(letter)) this.#process[letter] = value;
    else {
      // A second field of the same letter, as a file descriptor, begins the next file.
      if (letter === 'f' || (letter === 'n' && this.#file['n'] !== undefined)) {
        this.#end();
        this.#file = {};
      }
      if (letter === 'T') {
        if (value.startsWith('ST=')) this.#file['T'] = value.slice(3);
      } else this.#file[letter] = value;
      this.#number = number;
      this.#told = true;
    }
    // The state comes after the name, and nothing says that it is the last: a file ends with the next one.
  }

  #number = 0;

  /** Puts the file out that was told. */
  #end(): void {
    const { n: name, P: protocol, t: type = '', d: device = '', T: state = null } = this.#file;
    if (!this.#told || name === undefined) return;
    this.#told = false;
    const pid = Number(this.#process['p'] ?? '');
    // Only TCP has a state (-FT); without -FP nothing else tells the transport.
    const told = protocol ?? (state === null ? null : 'TCP');
    if (told === null) {
      if (/:\d+$/.test(name)) this.#out.unknown(this.#number, `n${name}`, 'transport');
      return;
    }
    const user = this.#process['L'] ?? this.#process['u'] ?? null;
    const file = { pid, command: this.#process['c'] ?? '?', user, type, device, protocol: told, name, state };
    if (Number.isInteger(pid) && !this.#files.add(file, `n${name}`, this.#number)) {
      this.#out.unknown(this.#number, `n${name}`, 'cut');
    }
  }

  end(): void {
    this.#end();
  }
}

function isField(field: string): boolean {
  const value = field.slice(1);
  switch (field.charAt(0)) {
    case 'p':
    case 'g':
    case 'R':
    case 'u':
      return /^\d{1,10}$/.test(value);
    case 'T':
      return /^[A-Z]{2,3}=/.test(value) || /^[A-Z_ =\d]+$/.test(value);
    case 'P':
    case 't':
    case 'f':
    case 'l':
    case 'a':
    case 'd':
    case 'D':
    case 'o':
    case 's':
    case 'i':
    case 'G':
      return !/\s\S/.test(value);
    default:
      return 'cnLkrNSm'.includes(field.charAt(0));
  }
}
