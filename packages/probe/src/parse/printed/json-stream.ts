// JSON as it comes: cut into the objects that tell a holder each, so that no document is ever held whole.
import { dockerJson } from './docker-json.ts';
import { lsofJson, osqueryJson, powershellJson } from './json-tools.ts';
import { type JsonShape, type JsonUnit, objectOf } from './json-unit.ts';
import { kubectlJson } from './kubectl-json.ts';
import { portolanJson } from './portolan-json.ts';
import type { Stream, StreamOut, StreamRecogniser } from './stream.ts';

/** Whose JSON is known, the plainest keys first. */
const JSON_SHAPES: readonly JsonShape[] = [
  portolanJson,
  kubectlJson,
  powershellJson,
  osqueryJson,
  lsofJson,
  dockerJson,
];

/** Arrays of a document whose objects are taken one by one. */
const LISTS: ReadonlySet<string> = new Set(['holders', 'items', 'processes', 'value']);

/** What stands outside of strings and brackets. */
const BETWEEN = /[\s,:\d.eE+\-a-z]+/y;
/** Longest object, in characters. */
const UNIT_LIMIT = 1 << 22;
/** Deepest nesting. */
const DEPTH_LIMIT = 200;

export const json: StreamRecogniser = {
  formats: JSON_SHAPES.map(({ format }) => format),
  begins: /^\s*(?:\{\s*(?:"|\}|$)|\[\s*(?:\{|\]|$))/,
  open: (out) => new JsonStream(out),
};

/** Reads one document. */
class JsonStream implements Stream {
  readonly #out: StreamOut;
  /** Open brackets, outermost first. */
  readonly #stack: string[] = [];
  /** Depth at which the objects stand that are taken one by one; 0 before that is known, and for a lone object. */
  #unitDepth = 0;
  #unit: string[] | null = null;
  #unitLength = 0;
  #unitLine = 0;
  /** The document less those objects. */
  #frame: string[] = [];
  #frameLength = 0;
  #listed = false;
  #firstLine = 0;
  #inString = false;
  #escaped = false;
  /** Latest string of the outermost object: the key of what follows. */
  #key = '';
  #head = '';

  constructor(out: StreamOut) {
    this.#out = out;
  }

  get ended(): boolean {
    return this.#firstLine > 0 && this.#stack.length === 0;
  }

  take(text: string, line: number): number {
    if (this.#firstLine === 0) this.#firstLine = line;
    if (this.#head.length < 200) this.#head = (this.#head + text).slice(0, 200);
    for (let at = 0; at < text.length; ) {
      const from = at;
      if (this.#inString) {
        at = this.#string(text, at);
        if (at < 0) return this.#broken();
        this.#keep(text.slice(from, at));
        continue;
      }
      const char = text[at] ?? '';
      at++;
      if (char === '"') {
        this.#inString = true;
        this.#word(text.slice(from), line);
        if (this.#stack.length === 1) this.#key = '';
        this.#keep(char);
      } else if (char === '{' || char === '[') {
        if (this.#stack.length >= DEPTH_LIMIT) return this.#broken();
        this.#open(char, line);
      } else if (char === '}' || char === ']') {
        if (this.#stack.pop() !== (char === '}' ? '{' : '[')) return this.#broken();
        this.#close(char, line);
        if (this.#stack.length === 0) return at;
      } else {
        // Numbers, words and what stands between them, in one go.
        BETWEEN.lastIndex = from;
        if (!BETWEEN.test(text)) return this.#broken();
        at = BETWEEN.lastIndex;
        const between = text.slice(from, at);
        if (this.#stack.length === 0) return text.slice(0, at).trim() === '' ? at : this.#broken();
        if (/[^\s,]/.test(between)) this.#word(between, line);
        this.#keep(between);
      }
    }
    return text.length;
  }

  end(): void {
    if (this.#stack.length > 0) this.#tellBroken();
  }

  /** Tells of a word or a number that stands where a list has an object for each holder. */
  #word(text: string, line: number): void {
    if (this.#unit === null && this.#unitDepth > 0 && this.#stack.length === this.#unitDepth)
      this.#out.unknown(line, text.trim().slice(0, 400), 'json-shape');
  }

  #broken(): number {
    this.#tellBroken();
    this.#stack.length = 0;
    return -1;
  }

  #tellBroken(): void {
    if (this.#unit === null) this.#out.unknown(this.#firstLine, this.#head, 'json');
    else this.#out.unknown(this.#unitLine, this.#unit.join('').slice(0, 400), 'json');
  }

  /** To the end of the string or of the text; -1 for a line end within it, which JSON has not. */
  #string(text: string, start: number): number {
    let at = start;
    for (; at < text.length; at++) {
      const char = text[at];
      if (this.#escaped) this.#escaped = false;
      else if (char === '\\') this.#escaped = true;
      else if (char === '"') {
        this.#inString = false;
        at++;
        break;
      } else if (char === '\n') return -1;
    }
    if (this.#stack.length === 1 && this.#key.length < 64)
      this.#key += text.slice(start, at).replace('"', '');
    return at;
  }

  #open(char: string, line: number): void {
    const depth = this.#stack.length;
    if (depth === 0 && char === '[') this.#unitDepth = 1;
    else if (depth === 1 && char === '[' && this.#stack[0] === '{' && LISTS.has(this.#key)) {
      this.#unitDepth = 2;
      this.#listed = true;
      this.#keep(char);
      this.#stack.push(char);
      return;
    } else if (depth === this.#unitDepth && depth > 0 && this.#unit === null) {
      this.#unit = [];
      this.#unitLength = 0;
      this.#unitLine = line;
    }
    this.#stack.push(char);
    this.#keep(char);
  }

  #close(char: string, line: number): void {
    this.#keep(char);
    const depth = this.#stack.length;
    if (this.#unit !== null && depth === this.#unitDepth) {
      const text = this.#unit.join('');
      this.#unit = null;
      this.#object(text, this.#unitLength > UNIT_LIMIT, this.#unitLine, line);
    } else if (this.#unitDepth === 2 && depth === 1) this.#unitDepth = 0;
    else if (depth === 0 && char === '}') {
      // Alone, or what stood around a list.
      this.#object(this.#frame.join(''), this.#frameLength > UNIT_LIMIT, this.#firstLine, line, this.#listed);
    }
  }

  /** Keeps what belongs to the object at hand, up to the limit; between objects of a list nothing is. */
  #keep(text: string): void {
    if (this.#unit !== null) {
      this.#unitLength += text.length;
      if (this.#unitLength <= UNIT_LIMIT) this.#unit.push(text);
    } else if (this.#unitDepth === 0 || (this.#unitDepth === 2 && (text === '[' || text === ']'))) {
      this.#frameLength += text.length;
      if (this.#frameLength <= UNIT_LIMIT) this.#frame.push(text);
    }
  }

  #object(text: string, tooLong: boolean, first: number, last: number, frame = false): void {
    if (tooLong) {
      this.#out.unknown(first, text.slice(0, 400), 'too-long');
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#out.unknown(first, text.slice(0, 400), 'json');
      return;
    }
    const object = objectOf(value);
    const unit: JsonUnit = { first, last, text: text.slice(0, 400) };
    // What stands around a list of another tool says nothing of sockets.
    if (frame && !('format' in object)) return;
    for (const shape of JSON_SHAPES) {
      if ((this.#out.only !== null && this.#out.only !== shape.format) || !shape.is(object)) continue;
      if (!shape.read(object, this.#out.section(shape.format), unit))
        this.#out.unknown(first, unit.text, 'json-shape');
      return;
    }
    this.#out.unknown(first, unit.text, 'json-shape');
  }
}
