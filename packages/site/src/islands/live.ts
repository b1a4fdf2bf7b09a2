// The live card: reads one line of JSON a change from the server, and says so when no more come.
import type { Element as Data } from '@portolan/core/web';
import { build } from './build.ts';

/** A stream that says nothing for this long is taken for broken. */
const SILENCE_MS = 8000;
const AGAIN_MS = 3000;

/** Keeps every part of the page up to date that asks for it. */
export function keepLive(): void {
  const card = document.querySelector<HTMLElement>('[data-live]');
  const address = card?.dataset['live'];
  if (card == null || address === undefined) return;
  if (card.querySelector('.state')?.getAttribute('data-state') === 'none') return;
  void follow(card, address);
}

async function follow(card: HTMLElement, address: string): Promise<void> {
  const lost = card.querySelector<HTMLElement>('.lost');
  for (;;) {
    try {
      await read(address, (line) => {
        if (lost !== null) lost.hidden = true;
        if (line === '') return;
        const { card: elements } = JSON.parse(line) as { card: Data[] };
        card.querySelector('#card-body')?.replaceChildren(...elements.map(build));
      });
    } catch {
      // The server is gone or restarts; what stands there is said to be old.
    }
    if (lost !== null) lost.hidden = false;
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

/** Reads lines until the stream ends or falls silent. */
async function read(address: string, tell: (line: string) => void): Promise<void> {
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(), SILENCE_MS);
  const answer = await fetch(address, { signal: stop.signal, headers: { accept: 'application/x-ndjson' } });
  if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(), SILENCE_MS);
    rest += value;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      tell(rest.slice(0, end));
      rest = rest.slice(end + 1);
    }
  }
  clearTimeout(timer);
}
