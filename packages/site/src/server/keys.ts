// The secret of one start of the server, for those whom the kernel does not name: a token, got for a code that is good
// once and for a minute.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Bits of a token and of a code: 256. */
const BYTES = 32;

/** How long a code can be exchanged, in milliseconds. */
export const CODE_MS = 60_000;

/** Token and code. Only digests are kept of codes, and all comparisons take the same time whatever is wrong. */
export class Keys {
  readonly #token = randomBytes(BYTES).toString('base64url');
  readonly #now: () => number;
  #code: { readonly digest: Buffer; readonly until: number } | null = null;

  /** `now` in milliseconds, of a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A code that takes the place of the one before. */
  newCode(): string {
    const code = randomBytes(BYTES).toString('base64url');
    this.#code = { digest: digestOf(code), until: this.#now() + CODE_MS };
    return code;
  }

  /** The token for a code, which is spent by that; null for one that is wrong, spent or too old. */
  exchange(code: string): string | null {
    const known = this.#code;
    const same = timingSafeEqual(digestOf(code), known?.digest ?? randomBytes(BYTES));
    if (!same || known === null || this.#now() > known.until) return null;
    this.#code = null;
    return this.#token;
  }

  /** Does an Authorization header (RFC 6750 s2.1) hold the token? */
  opens(authorization: string | null): boolean {
    const given = /^bearer +([\w-]{1,100})$/i.exec(authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(digestOf(given), digestOf(this.#token));
  }
}

/** Of one length whatever is hashed, as a comparison in constant time needs. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
