// Leave to see live data: the one-time code of the printed address is exchanged for the token of this start of the server,
// which lives as long as the tab does.

const KEY = 'portolan-token';

/** Told to the document once the code was exchanged: each part of a page is a program of its own. */
const GOT = 'portolan-token';

/** Exchanges the code in the address, where there is one. */
export async function exchangeCode(): Promise<void> {
  const code = /^#code=([\w-]{43})$/.exec(location.hash)?.[1];
  if (code === undefined) return;
  // Out of the address before anything else: it shall not be copied, kept in the history or sent on.
  history.replaceState(null, '', location.pathname + location.search);
  try {
    const answer = await fetch('/api/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    });
    if (!answer.ok) return;
    const { token: got } = (await answer.json()) as { token: string };
    sessionStorage.setItem(KEY, got);
    document.dispatchEvent(new Event(GOT));
  } catch {
    // No server, or no storage: the page stays as it is.
  }
}

/** Resolves once there is a token, which on most pages is never. */
export function untilToken(): Promise<void> {
  if (hasToken()) return Promise.resolve();
  return new Promise((done) => {
    document.addEventListener(GOT, () => done(), { once: true });
  });
}

/** Headers of a request for live data; empty where there is no token. */
export function authorization(): Record<string, string> {
  try {
    const token = sessionStorage.getItem(KEY);
    return token === null ? {} : { authorization: `Bearer ${token}` };
  } catch {
    return {};
  }
}

/** Is there a token? */
export function hasToken(): boolean {
  return authorization()['authorization'] !== undefined;
}

/** Drops a token that the server does not know: it was one of an earlier start. */
export function forget(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Then there is none.
  }
}
