// Reads what tools printed, as it comes: text in, rows out; sections of several tools are told apart, and what nobody
// understands is told.
import { type Exclusion, type Gap, holderKind, type Redirect, type Socket } from '@portolan/core';
import { gapsOf } from './gaps.ts';
import { RECOGNISERS } from './recognisers.ts';
import {
  alone,
  type Draft,
  draftOf,
  type Out,
  type PrintedFormat,
  type PrintedRange,
  type PrintedRanges,
  type PrintedRow,
  type Recogniser,
  type Section,
  type Shown,
  type UnknownLine,
  type UnknownReason,
} from './row.ts';
import { join, Sightings } from './sightings.ts';
import type { Stream, StreamRecogniser } from './stream.ts';

/** Longest line; the longest real one is a row of `docker ps` with many ports. */
const LINE_LIMIT = 1 << 16;
/** Lines beyond this are taken by those tools alone that join many things in one. */
const LONG = 4096;
const LONG_FORMATS: ReadonlySet<PrintedFormat> = new Set([
  'ss',
  'docker-table',
  'nmap-grepable',
  'lsof-fields',
]);
/** Characters of a line that are told of one that was not understood. */
const TEXT_SHOWN = 200;
/** Rows that are kept: more than a host has sockets in practice. */
const ROWS_KEPT = 1 << 17;
/** Lines not understood that are kept one by one; the others are counted. */
const UNKNOWN_KEPT = 1000;
/** Tools' runs that are told apart. */
const SECTIONS_KEPT = 256;

/** How output is read. */
export interface PrintedOptions {
  /** The one form to read; null, the default, recognises. */
  readonly as?: PrintedFormat | null;
  /** The one port that a service name stands for; null for none or several. */
  readonly portOf?: Out['portOf'];
  /** Documents to read besides lines: `DOCUMENTS` of @portolan/probe/printed/documents; none by default. */
  readonly documents?: readonly StreamRecogniser[];
  /** Rows kept at most. */
  readonly rows?: number;
}

/** What was understood of it all. */
export interface PrintedReading {
  /** Forms that were seen, in the order in which they came. */
  readonly formats: readonly PrintedFormat[];
  /** The only form, or null for none and for several. */
  readonly format: PrintedFormat | null;
  readonly sockets: readonly Socket[];
  readonly redirects: readonly Redirect[];
  /** Lists of ports that Windows hands out or keeps back. */
  readonly ranges: readonly PrintedRanges[];
  /** Ranges that were saved as holders. */
  readonly exclusions: readonly Exclusion[];
  readonly gaps: readonly Gap[];
  readonly unknown: readonly UnknownLine[];
  /** How many lines were not understood, those that were not kept included. */
  readonly unknownCount: number;
  /** Lines that were read. */
  readonly lines: number;
}

/** Reads everything at once. */
export function readPrinted(text: string, options: PrintedOptions = {}): PrintedReading {
  const reader = new PrintedReader(options);
  reader.feed(text);
  return reader.end();
}

/** Reads text in pieces of any size. Never throws for what stands in it, and keeps no more than its limits. */
export class PrintedReader {
  readonly #as: PrintedFormat | null;
  readonly #portOf: Out['portOf'];
  readonly #most: number;
  readonly #recognisers: readonly Recogniser[];
  readonly #documents: readonly StreamRecogniser[];
  #fresh: PrintedRow[] = [];
  readonly #sockets: Draft[] = [];
  readonly #redirects: Redirect[] = [];
  readonly #ranges: (PrintedRanges & { readonly ranges: PrintedRange[] })[] = [];
  readonly #exclusions: Exclusion[] = [];
  /** Rows that are kept. */
  #kept = 0;
  readonly #unknown: UnknownLine[] = [];
  readonly #shown: Shown[] = [];
  #unknownCount = 0;
  /** Line that was told last. */
  #lastTold = 0;
  #dropped = 0;
  #line = 1;
  #buffer = '';
  /** True once the line at hand is longer than any line may be; its rest is skipped. */
  #overlong = false;
  #section: { readonly section: Section; readonly format: PrintedFormat } | null = null;
  #stream: Stream | null = null;
  /** Line on which it began. */
  #streamLine = 0;
  /** Headings of a table that is not known yet by its rows: told only if no row follows. */
  #held: UnknownLine[] = [];

  constructor({ as = null, portOf = () => null, documents = [], rows = ROWS_KEPT }: PrintedOptions = {}) {
    this.#documents = documents.filter(({ formats }) => as === null || formats.includes(as));
    this.#as = as;
    this.#portOf = portOf;
    this.#most = rows;
    this.#recognisers = as === null ? RECOGNISERS : RECOGNISERS.filter(({ format }) => format === as);
  }

  /** Takes text and gives the rows that it completed. */
  feed(text: string): readonly PrintedRow[] {
    for (let at = 0; at < text.length; ) {
      const end = text.indexOf('\n', at);
      const piece = end < 0 ? text.slice(at) : text.slice(at, end);
      if (end < 0) {
        this.#part(piece);
        break;
      }
      this.#ended(piece);
      this.#line++;
      at = end + 1;
    }
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  /** No more comes. */
  end(): PrintedReading {
    if (this.#buffer !== '' || this.#overlong) this.#ended('');
    else this.#line--;
    this.#stream?.end(Math.max(this.#line, 1));
    this.#stream = null;
    this.#leave();
    this.#tellHeld();
    const formats = [...new Set(this.#shown.map(({ format }) => format))];
    const gaps = gapsOf(this.#shown, this.#ranges, { unknown: this.#unknownCount, dropped: this.#dropped });
    return {
      formats,
      format: formats.length === 1 ? (formats[0] ?? null) : null,
      sockets: this.#sockets,
      redirects: this.#redirects,
      ranges: this.#ranges,
      exclusions: this.#exclusions,
      gaps,
      unknown: this.#unknown,
      unknownCount: this.#unknownCount,
      lines: this.#line,
    };
  }

  /** A piece of a line whose end has not come. Documents, too, get whole lines, unless those are very long. */
  #part(piece: string): void {
    if (this.#overlong) return;
    this.#buffer += piece;
    if (this.#buffer.length <= LINE_LIMIT) return;
    const text = this.#buffer;
    if (this.#stream !== null || this.#begin(text)) {
      this.#buffer = '';
      this.#give(text);
      return;
    }
    this.#overlong = true;
    this.#buffer = text.slice(0, 2 * TEXT_SHOWN);
  }

  /** A line has ended. */
  #ended(piece: string): void {
    const text = this.#buffer + piece;
    this.#buffer = '';
    if (this.#overlong || (text.length > LINE_LIMIT && this.#stream === null && !this.#begin(text))) {
      this.#overlong = false;
      this.#tell(this.#line, text, 'too-long');
      return;
    }
    if (this.#stream !== null) this.#give(`${text}\n`);
    else this.#wholeLine(text);
  }

  /** Gives text to the document at hand; what it leaves is a line, or the beginning of another document. */
  #give(text: string): void {
    let rest = text;
    // Each round takes a character at least, or ends.
    while (this.#stream !== null) {
      const taken = this.#stream.take(rest, this.#line);
      if (taken === rest.length) {
        if (this.#stream.ended) this.#stream = null;
        return;
      }
      this.#stream = null;
      // Broken on its first line, it has been told; on a later one, that line may be something else.
      if (taken < 0 && this.#streamLine === this.#line) return;
      rest = taken < 0 ? rest : rest.slice(taken);
      if (rest.trim() === '' || (taken > 0 && this.#begin(rest))) continue;
      if (rest.endsWith('\n')) this.#wholeLine(rest.slice(0, -1), taken > 0);
      else this.#buffer = rest.slice(0, LINE_LIMIT);
    }
  }

  /** Begins a document, where the text does. */
  #begin(text: string): boolean {
    const found = this.#documents.find(({ begins }) => begins.test(text.slice(0, TEXT_SHOWN)));
    if (found === undefined) return false;
    this.#leave();
    this.#streamLine = this.#line;
    this.#stream = found.open({
      section: (format) => this.#out(format),
      unknown: (line, part, reason) => this.#tell(line, part, reason),
      only: this.#as,
    });
    return true;
  }

  #wholeLine(raw: string, fresh = true): void {
    const text = cleaned(raw);
    if (text.trim() === '') return;
    if (fresh && this.#begin(text)) {
      this.#give(`${text}\n`);
      return;
    }
    if (text.length > LONG && this.#section !== null && !LONG_FORMATS.has(this.#section.format))
      this.#leave();
    const able =
      text.length > LONG
        ? this.#recognisers.filter(({ format }) => LONG_FORMATS.has(format))
        : this.#recognisers;
    const begun = able.find(({ heading }) => heading?.test(text) === true);
    // A heading below rows of the same tool: it was run again.
    if (begun !== undefined && (begun.format !== this.#section?.format || this.#hasRows()))
      this.#enter(begun, true);
    const above = this.#held.map((line) => line.text);
    if (this.#section?.section.line(text, this.#line, bare(raw), above) === true) {
      this.#absolve();
      return;
    }
    // Fields of lsof may be parted by NUL.
    const other = able.find(
      (each) =>
        each.format !== this.#section?.format &&
        (each.row?.test(each.format === 'lsof-fields' ? bare(raw) : text) === true ||
          each.begins?.(text, above) === true),
    );
    if (other !== undefined) {
      this.#enter(other);
      if (this.#section?.section.line(text, this.#line, bare(raw), above) === true) {
        this.#absolve();
        return;
      }
    }
    this.#notKnown(text);
  }

  /** Has the run at hand told anything? */
  #hasRows(): boolean {
    return (this.#shown.at(-1)?.rows ?? 0) > 0;
  }

  #enter(recogniser: Recogniser, again = false): void {
    this.#leave();
    this.#section = {
      section: recogniser.open(this.#out(recogniser.format, again)),
      format: recogniser.format,
    };
  }

  #leave(): void {
    this.#section?.section.end?.();
    this.#section = null;
  }

  /** Headings are translated: they are known by standing right above a row, and by having columns and no digits. */
  #notKnown(text: string): void {
    const held = { line: this.#line, text: text.slice(0, TEXT_SHOWN), reason: 'unrecognised' as const };
    if (this.#lastTold === this.#line) return;
    if (/\d/.test(text) || text.length > 300) {
      this.#tellHeld();
      this.#tell(held.line, held.text, held.reason);
      return;
    }
    this.#held.push(held);
    if (this.#held.length > 2) {
      const oldest = this.#held.shift();
      if (oldest !== undefined) this.#tell(oldest.line, oldest.text, oldest.reason);
    }
  }

  /**
   * A line was understood: what is held above it is its heading, where it looks like one. Below a title, which has brackets
   * on Linux, stands a line of columns, which may be English all the same.
   */
  #absolve(): void {
    if (this.#held.length === 0) return;
    const own = this.#section?.section.headings ?? 0;
    if (own > 0) this.#held.splice(-own);
    const heading = this.#held.at(-1);
    const translated = this.#section?.format === 'netstat' || this.#section?.format === 'netstat-windows';
    const text = heading?.text.trim() ?? '';
    const looksSo = text.split(/\s+/).length >= 4 || /[(（].*[)）]$/.test(text);
    if (!(translated && looksSo && heading?.line === this.#line - 1)) this.#tellHeld();
    this.#held = [];
  }

  #tellHeld(): void {
    for (const { line, text, reason } of this.#held) this.#tell(line, text, reason);
    this.#held = [];
  }

  #tell(line: number, text: string, reason: UnknownReason): void {
    this.#unknownCount++;
    this.#lastTold = line;
    if (this.#unknown.length < UNKNOWN_KEPT) {
      this.#unknown.push({ line, text: alone(cleaned(text).slice(0, TEXT_SHOWN)), reason });
    }
  }

  /** Where rows of a run of a tool go; `again` begins another run. */
  #out(format: PrintedFormat, again = false): Out {
    const before = this.#shown.at(-1);
    const same = before?.format === format && (!again || before.rows === 0) ? before : undefined;
    const full = this.#shown.length >= SECTIONS_KEPT;
    const known = same ?? (full ? this.#shown.findLast((each) => each.format === format) : undefined);
    const shown = known ?? newShown(format);
    if (known === undefined) this.#shown.push(shown);
    const kept = this.#outs.get(shown);
    if (kept !== undefined) return kept;
    const out: Out = {
      shown,
      socket: (told, first, last = first) => {
        return this.#keep(draftOf(told, this.#sockets.length + 1), shown, first, last);
      },
      saved: (socket, first, last) => {
        this.#keep({ ...socket, owners: [...socket.owners] }, shown, first, last);
      },
      redirect: (redirect, first, last) => {
        if (this.#counts(shown)) {
          this.#redirects.push(redirect);
          this.#fresh.push({ kind: 'redirect', format, lines: [first, last], redirect });
        }
      },
      excluded: (exclusion, first, last) => {
        if (!this.#counts(shown)) return;
        this.#exclusions.push(exclusion);
        const { transport, family, ports } = exclusion;
        const of = { list: 'excluded', transport: transport === 'udp' ? 'udp' : 'tcp', family } as const;
        this.#fresh.push({ kind: 'range', format, lines: [first, last], ...of, ports, administered: false });
      },
      ranges: (list, of, line) => {
        const ranges: PrintedRange[] = [];
        if (this.#ranges.length < SECTIONS_KEPT) this.#ranges.push({ list, ...of, line, ranges });
        else this.#dropped++;
        return (range, at) => {
          if (!this.#counts(shown)) return;
          ranges.push(range);
          this.#fresh.push({ kind: 'range', format, lines: [at, at], list, ...of, ...range });
        };
      },
      unknown: (line, text, reason) => this.#tell(line, text, reason),
      portOf: this.#portOf,
    };
    this.#outs.set(shown, out);
    return out;
  }

  readonly #outs = new Map<Shown, Out>();

  /** The draft that is kept: an earlier one where another tool has told of the same socket; null beyond the limit. */
  #keep(draft: Draft, shown: Shown, first: number, last: number): Draft | null {
    count(draft, shown);
    const known = shown === this.#shown[0] ? null : this.#joined.same(draft, shown, this.#sockets);
    if (known !== null) {
      join(known, draft);
      return known;
    }
    if (this.#kept >= this.#most) {
      this.#dropped++;
      return null;
    }
    this.#kept++;
    if (draft.inode < 0) draft.inode = -(this.#sockets.length + 1);
    this.#sockets.push(draft);
    this.#fresh.push({ kind: holderKind(draft), format: shown.format, lines: [first, last], socket: draft });
    return draft;
  }

  /** Counts a row that is no socket; false where no more are kept. */
  #counts(shown: Shown): boolean {
    shown.rows++;
    if (this.#kept >= this.#most) {
      this.#dropped++;
      return false;
    }
    this.#kept++;
    return true;
  }

  readonly #joined = new Sightings();
}

function newShown(format: PrintedFormat): Shown {
  return {
    format,
    rows: 0,
    listeners: 0,
    tcpListeners: 0,
    tcpOthers: 0,
    bound: 0,
    closing: 0,
    transports: new Set(),
    ownerless: 0,
    owned: 0,
    users: new Set(),
    named: 0,
    words: new Set(),
    hosts: new Set(),
    said: [],
  };
}

function count(socket: Socket, shown: Shown): void {
  shown.rows++;
  shown.transports.add(socket.transport);
  const listens = socket.state === 'LISTEN' || socket.state === 'UNCONN';
  if (listens) shown.listeners++;
  if (socket.transport === 'tcp') {
    if (listens) shown.tcpListeners++;
    else shown.tcpOthers++;
  }
  if (socket.state === 'BOUND' || (socket.state === 'CLOSE' && socket.peer === null)) shown.bound++;
  if (socket.state === 'TIME_WAIT') shown.closing++;
  if (socket.owners.length > 0) shown.owned++;
  else if (socket.inode !== 0 && socket.publishes === null) shown.ownerless++;
}

/** Control characters that terminals act on, their colours, and marks of direction: none is part of what a tool says. */
function cleaned(raw: string): string {
  return bare(raw)
    .replace(/\u001b\[[\d;]*[A-Za-z]/g, '')
    .replace(/[\0-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
    .replaceAll('\u00a0', ' ');
}

/** A line without its carriage return. */
function bare(raw: string): string {
  return raw.replace(/^\ufeff/, '').replace(/\r+$/, '');
}
