// Reads lines that a server sends as long as the page is open, and begins anew when they end.

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

/** Follows an address for as long as the page is there. */
export async function readLines(address: string, listener: Listener): Promise<never> {
  for (;;) {
    try {
      await read(address, (text) => {
        listener.back();
        if (text !== '') listener.line(text);
      });
    } catch {
      // The server is gone or restarts; the page says that what it shows is old.
    }
    listener.lost();
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

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
