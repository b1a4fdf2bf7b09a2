// nmap's XML report (-oX).
import { openPort } from './nmap.ts';
import type { Out } from './row.ts';
import type { Stream, StreamRecogniser } from './stream.ts';

/** Longest tag; scripts put their output into attributes. */
const TAG_LIMIT = 1 << 16;

export const nmapXml: StreamRecogniser = {
  formats: ['nmap-xml'],
  begins: /^\s*<(?:\?xml\s|!DOCTYPE nmaprun|nmaprun\s|!-- Nmap )/,
  open: (out) => new XmlStream(out.section('nmap-xml')),
};

/** Reads tags, wherever lines break. */
class XmlStream implements Stream {
  readonly #out: Out;
  /** What was seen of a tag, or null between tags. */
  #tag: string | null = null;
  #tooLong = false;
  #host = '';
  #port: { readonly transport: string; readonly digits: string; readonly line: number } | null = null;
  #begun = false;
  ended = false;

  constructor(out: Out) {
    this.#out = out;
  }

  take(text: string, line: number): number {
    // Text between tags of a report is never a line by itself: something else begins here.
    if (this.#tag === null && this.#begun && text.trim() !== '' && !text.includes('<')) return -1;
    this.#begun = true;
    for (let at = 0; at < text.length; ) {
      if (this.#tag === null) {
        const next = text.indexOf('<', at);
        if (next < 0) return text.length;
        this.#tag = '';
        at = next + 1;
      }
      const close = text.indexOf('>', at);
      const part = text.slice(at, close < 0 ? text.length : close);
      if (this.#tag.length + part.length <= TAG_LIMIT) this.#tag += part;
      else this.#tooLong = true;
      if (close < 0) return text.length;
      at = close + 1;
      const tag = this.#tag;
      this.#tag = null;
      if (this.#tooLong) this.#out.unknown(line, tag, 'too-long');
      else if (this.#read(tag, line)) return at;
      this.#tooLong = false;
    }
    return text.length;
  }

  end(line: number): void {
    if (this.#tag !== null || this.#host !== '') this.#out.unknown(line, `<${this.#tag ?? ''}`, 'cut');
  }

  /** True at the end of the report. */
  #read(tag: string, line: number): boolean {
    const name = /^\/?[\w?!-]+/.exec(tag)?.[0];
    const value = (key: string): string => new RegExp(`\\s${key}="([^"]{0,300})"`).exec(tag)?.[1] ?? '';
    if (name === 'address' && value('addrtype') !== 'mac') this.#host = value('addr').toLowerCase();
    else if (name === 'port') this.#port = { transport: value('protocol'), digits: value('portid'), line };
    else if (name === 'state' && this.#port !== null && value('state') === 'open') {
      const { transport, digits, line: first } = this.#port;
      const known = /^\d+$/.test(digits) && openPort(this.#host, transport, digits, this.#out, first, line);
      if (!known) this.#out.unknown(line, `<port portid="${digits}">`, 'port');
    } else if (name === '/port') this.#port = null;
    else if (name === '/host') this.#host = '';
    this.ended = name === '/nmaprun';
    return this.ended;
  }
}
