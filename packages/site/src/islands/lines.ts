// Reads lines that a server sends as long as the page is open, and begins anew when they end.

import { authorization, forget } from './token.ts';

/** A stream that says nothing for this long is taken for broken. */
const SILENCE_MS = 8000;
const AGAIN_MS = 3000;

/** What is told of a stream. */
export interface Listener {
  /** A line that is not empty. */
  line(text: string): void;
  /** No more lines come for now. */
  lost(): void;
  /** Lines come. */
  back(): void;
}

/** Follows an address for as long as the page is there and somebody can see it, and the server does not refuse. */
export async function readLines(address: string, listener: Listener): Promise<void> {
  let told = false;
  for (;;) {
    await seen();
    let refused = false;
    try {
      refused = await read(address, (text) => {
        told = true;
        listener.back();
        if (text !== '') listener.line(text);
      });
    } catch {
      // The server is gone or restarts; the page says that what it shows is old.
    }
    // What a hidden page shows is old, too, but nobody sees it, and it is new before anybody does.
    if (document.hidden) continue;
    // A page that never showed anything has nothing old.
    if (told || !refused) listener.lost();
    if (refused) {
      forget();
      return;
    }
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

/** Resolves once somebody can see the page. Browsers open few connections to a server, and hidden tabs need none. */
function seen(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((done) => {
    document.addEventListener('visibilitychange', () => done(), { once: true });
  });
}

/** Reads lines until the stream ends, falls silent, or nobody looks; true where the server refuses to tell. */
async function read(address: string, tell: (line: string) => void): Promise<boolean> {
  const stop = new AbortController();
  const hide = (): void => {
    if (document.hidden) stop.abort();
  };
  document.addEventListener('visibilitychange', hide);
  let timer = setTimeout(() => stop.abort(), SILENCE_MS);
  try {
    const answer = await fetch(address, {
      signal: stop.signal,
      headers: { accept: 'application/x-ndjson', ...authorization() },
    });
    if (answer.status === 401) return true;
    if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(), SILENCE_MS);
      rest += value;
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
        tell(rest.slice(0, end));
        rest = rest.slice(end + 1);
      }
    }
  } finally {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', hide);
  }
}
