// The paste box: what a tool printed is explained in the browser, and sent nowhere.
import { type Catalog, type PastePlaces, say, speaking, type Translator } from '@portolan/core/web';
import { type NamesFile, type PortNames, unpackNames } from '../formats/names.ts';
import { type SearchFile, unpackSearch } from '../formats/search.ts';
import { type Understood, understand } from './paste/reading.ts';
import { resultNodes, summaryOf } from './paste/show.ts';

/** Longest text that a field holds without trouble; of a longer one it shows the beginning. */
const FIELD = 100_000;
const FIELD_SHOWN = 20_000;
/** Longest text that is read. */
const MOST = 1 << 25;
/** After so long without a key what was typed is explained. */
const TYPED_MS = 250;
/** A reading that is over sooner shows no progress. */
const PROGRESS_MS = 300;

/** What `ss -tulpn` prints, in short. */
const EXAMPLE = `Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process
udp   UNCONN 0      0            0.0.0.0:5353       0.0.0.0:*    users:(("avahi-daemon",pid=812,fd=12))
tcp   LISTEN 0      128          0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=1041,fd=3))
tcp   LISTEN 0      244        127.0.0.1:5432       0.0.0.0:*    users:(("postgres",pid=1207,fd=6))
tcp   LISTEN 0      511                *:3000             *:*    users:(("node",pid=4410,fd=19))
tcp   LISTEN 0      128          0.0.0.0:60163      0.0.0.0:*    users:(("backup-agent",pid=2216,fd=7))
tcp   ESTAB  0      0         192.0.2.10:43210  198.51.100.7:443 users:(("curl",pid=9120,fd=5))
`;

/** The parts of the frame that the server wrote. */
interface Parts {
  readonly field: HTMLTextAreaElement;
  readonly held: HTMLElement;
  readonly summary: HTMLElement;
  readonly lines: HTMLElement;
}

class PasteBox {
  readonly #parts: Parts;
  readonly #lang: Translator;
  readonly #places: PastePlaces;
  #names: Promise<ReadonlyMap<number, PortNames>> | undefined;
  /** Counts texts: a reading of an earlier one is of no use. */
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: Parts, lang: Translator, places: PastePlaces) {
    this.#parts = parts;
    this.#lang = lang;
    this.#places = places;
    const { field } = parts;
    field.addEventListener('focus', () => void this.#loadNames());
    field.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#explain(field.value), TYPED_MS);
    });
    field.addEventListener('paste', (event) => this.#pasted(event));
  }

  /** A long text is kept beside the field: laying it out would hold the page up. */
  #pasted(event: ClipboardEvent): void {
    const { field } = this.#parts;
    const text = event.clipboardData?.getData('text/plain') ?? '';
    if (text.length <= FIELD && !field.readOnly) return;
    event.preventDefault();
    this.take(text);
  }

  /** Takes a text in place of what was there. */
  take(text: string): void {
    const { field, held } = this.#parts;
    clearTimeout(this.#timer);
    const long = text.length > FIELD;
    field.readOnly = long;
    field.value = long ? text.slice(0, FIELD_SHOWN) : text;
    field.scrollTop = 0;
    const values = { shown: FIELD_SHOWN, count: text.length, most: MOST };
    const sentence = text.length > MOST ? 'web.paste.too-long' : 'web.paste.held';
    held.textContent = long ? this.#lang.say(say(sentence, values)) : '';
    void this.#explain(text.slice(0, MOST));
  }

  async #explain(text: string): Promise<void> {
    const { summary, lines } = this.#parts;
    const turn = ++this.#turn;
    const stopped = (): boolean => turn !== this.#turn;
    if (text.trim() === '') {
      summary.textContent = '';
      lines.replaceChildren();
      return;
    }
    const began = performance.now();
    const course = {
      stopped,
      progress: (share: number): void => {
        if (performance.now() - began < PROGRESS_MS) return;
        lines.replaceChildren(this.#progress(share));
      },
      documents: async () => (await import('@portolan/probe/printed/documents')).DOCUMENTS,
    };
    const [first, names] = await Promise.all([
      understand(text, { ...course, portOf: () => null }),
      this.#loadNames(),
    ]);
    let understood: Understood | null = first;
    // Only what was printed by name needs the index of names.
    if (first?.reading.unknown.some(({ reason }) => reason === 'port-name') === true) {
      const ports = await this.#portsByName();
      understood = await understand(text, { ...course, portOf: (name) => ports.get(name) ?? null });
    }
    if (understood === null || stopped()) return;
    summary.textContent = summaryOf(understood, this.#lang);
    lines.replaceChildren(
      ...resultNodes(text, understood, { lang: this.#lang, places: this.#places, names }),
    );
  }

  #progress(share: number): HTMLElement {
    const bar = document.createElement('progress');
    bar.value = share;
    bar.setAttribute('aria-label', this.#lang.say(say('web.paste.reading')));
    return bar;
  }

  #loadNames(): Promise<ReadonlyMap<number, PortNames>> {
    this.#names ??= fetchJson<NamesFile>(this.#places.names).then(unpackNames, () => {
      // Lines are explained without names, then; the next text tries again.
      this.#names = undefined;
      return new Map();
    });
    return this.#names;
  }

  /** The one port of each service name. */
  async #portsByName(): Promise<ReadonlyMap<string, number>> {
    const ports = new Map<string, number>();
    try {
      for (const { name, ports: all } of unpackSearch(await fetchJson<SearchFile>(this.#places.search))) {
        const [only] = all;
        if (all.length === 1 && only !== undefined && only[0] === only[1])
          ports.set(name.toLowerCase(), only[0]);
      }
    } catch {
      // Names stay what was not understood.
    }
    return ports;
  }
}

async function fetchJson<T>(address: string): Promise<T> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return (await answer.json()) as T;
}

function start(frame: HTMLElement): void {
  const part = <T extends Element>(selector: string): T => {
    const found = frame.querySelector<T>(selector);
    if (found === null) throw new Error(`the page has no ${selector}`);
    return found;
  };
  const sentences = JSON.parse(frame.dataset['sentences'] ?? '{}') as Catalog;
  const parts: Parts = {
    field: part('textarea'),
    held: part('#pasted-held'),
    summary: part('.summary'),
    lines: part('.pasted-lines'),
  };
  const box = new PasteBox(
    parts,
    speaking(document.documentElement.lang, sentences, 'pages'),
    JSON.parse(frame.dataset['places'] ?? '{}') as PastePlaces,
  );
  part('[data-do=example]').addEventListener('click', () => box.take(EXAMPLE));
  part('[data-do=clear]').addEventListener('click', () => {
    box.take('');
    parts.field.focus();
  });
  // A browser may remember what stood here before the page was left.
  if (parts.field.value !== '') box.take(parts.field.value);
}

const frame = document.querySelector<HTMLElement>('.paste');
if (frame !== null) start(frame);
