// The JSON of many holders, line by line in bytes: the same as all at once would be, without holding them.
import type { ListenerForecast } from '../../model/forecast.ts';
import type { Transport } from '../../model/port.ts';
import type { Holder } from '../../model/report.ts';
import type { Endpoint, Gap, Owner } from '../../model/socket.ts';
import type { Translator } from '../../text/catalog.ts';
import { printableJson } from '../printable.ts';
import { gapJson, holderJson } from './v1.ts';

/** Bytes that lines are put together in at first; there is more memory when a line needs more. */
const ROOM = 1 << 16;
/** Room for the digits of a port and a character after them. */
const DIGITS = 6;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const BRACE = 0x7d;
const ZERO = 0x30;

/** What is foretold for a listener in the ephemeral range, as `list` has it. */
export interface ForecastV1 {
  readonly transport: Transport;
  readonly local: Endpoint;
  readonly chance: number;
  readonly basis: string;
  readonly firstTakenSeconds: number | null;
  readonly restartChance: number | null;
}

/** A forecast as every output has it. */
export function forecastJson({ transport, local, forecast }: ListenerForecast, lang: Translator): ForecastV1 {
  return {
    transport,
    local,
    chance: forecast.chance,
    basis: lang.say(forecast.basis),
    firstTakenSeconds: forecast.firstTakenSeconds,
    restartChance: forecast.restartChance,
  };
}

/** An address as the kernel's bytes are written: nothing in it needs escaping, and all of it is ASCII. */
const PLAIN_ADDRESS = /^[0-9a-f.:]{2,45}$/;
const LONGEST_ADDRESS = 45;

/** Addresses for which the beginning of a line is kept. */
const HEADS_KEPT = 4096;

/** The beginning of a line up to the port, and what it depends on besides the address. */
interface Head extends Pick<Holder, 'kind' | 'transport'> {
  readonly bytes: Uint8Array;
}

/** The end of a line from the state on, and what it depends on besides the owners. */
interface Tail extends Pick<Holder, 'state' | 'uid' | 'user' | 'ipv6Only'> {
  readonly bytes: Uint8Array;
}

/**
 * `portolan list --json`, a holder a line, as UTF-8. Call `add` for each holder and then `end`, and `take` whenever there is
 * enough to be written. What many have in common is
 * put into words once: where an address begins, who has it from there to the end; the port is all that differs between
 * most lines. They are put together as bytes: strings of that length would be copied three times.
 */
export class ListLines {
  readonly #encode: (text: string) => Uint8Array;
  readonly #owners = new Map<readonly Owner[], string>();
  readonly #heads = new Map<string, Head>();
  readonly #tails = new Map<readonly Owner[], Tail>();
  #bytes = new Uint8Array(ROOM);
  /** Where what was taken last may still be in use. */
  #other = new Uint8Array(ROOM);
  #at = 0;
  #empty = true;
  readonly #noPeer: Uint8Array;
  readonly #peer: Uint8Array;
  readonly #peerPort: Uint8Array;

  /** `encode` makes UTF-8 of text. */
  constructor(encode: (text: string) => Uint8Array) {
    this.#encode = encode;
    this.#noPeer = encode('},"peer":null');
    this.#peer = encode('},"peer":{"address":"');
    this.#peerPort = encode('","port":');
    this.#put(encode('{ "format": "portolan.list/1", "holders": ['));
  }

  /** Adds `holderJson` of a holder as one line. */
  add(holder: Holder): void {
    const { local, peer } = holder;
    this.#need(2);
    if (!this.#empty) this.#bytes[this.#at++] = COMMA;
    this.#empty = false;
    this.#bytes[this.#at++] = NEWLINE;
    const plain =
      holder.namespace === null &&
      holder.device === null &&
      !holder.mptcp &&
      holder.group === 1 &&
      holder.activation === null &&
      holder.publishes === null &&
      holder.redirect === null &&
      holder.exclusion === undefined &&
      (peer === null || PLAIN_ADDRESS.test(peer.address));
    const head = plain ? this.#head(holder) : null;
    if (head === null) {
      this.#put(this.#encode(printableJson(holderJson(holder), 0)));
      return;
    }
    this.#put(head);
    this.#port(local.port);
    if (peer === null) {
      this.#put(this.#noPeer);
    } else {
      this.#put(this.#peer);
      this.#ascii(peer.address);
      this.#put(this.#peerPort);
      this.#port(peer.port);
      this.#bytes[this.#at++] = BRACE;
    }
    this.#put(holder.freeInMs === null ? this.#tail(holder) : this.#encode(this.#rest(holder)));
  }

  /** Ends the list; `more` is what `read` adds. */
  end(
    gaps: readonly Gap[],
    forecasts: readonly ListenerForecast[],
    lang: Translator,
    more: Readonly<Record<string, unknown>> = {},
  ): void {
    const lined = (values: readonly unknown[]): string =>
      values.length === 0 ? '[]' : `[\n${values.map((value) => printableJson(value, 0)).join(',\n')}\n]`;
    const rest = lined(gaps.map((gap) => gapJson(gap, lang)));
    const foretold = lined(forecasts.map((each) => forecastJson(each, lang)));
    const added = Object.entries(more).map(
      ([key, value]) =>
        `, "${key}": ${Array.isArray(value) ? lined(value as readonly unknown[]) : printableJson(value, 0)}`,
    );
    this.#put(this.#encode(`\n], "gaps": ${rest}, "forecasts": ${foretold}${added.join('')} }\n`));
  }

  /** Bytes to be taken. */
  get size(): number {
    return this.#at;
  }

  /** What has been put together since the last time; it stays as it is until this is called again. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#at);
    [this.#bytes, this.#other] = [this.#other, this.#bytes];
    this.#at = 0;
    return taken;
  }

  /** Null where the address has characters that may need escaping. */
  #head({ kind, transport, local }: Holder): Uint8Array | null {
    let head = this.#heads.get(local.address);
    if (head?.kind !== kind || head.transport !== transport) {
      if (!PLAIN_ADDRESS.test(local.address)) return null;
      if (this.#heads.size >= HEADS_KEPT) this.#heads.clear();
      const text = `{"kind":"${kind}","transport":"${transport}","local":{"address":"${local.address}","port":`;
      head = { kind, transport, bytes: this.#encode(text) };
      this.#heads.set(local.address, head);
    }
    return head.bytes;
  }

  #tail(holder: Holder): Uint8Array {
    const { owners, state, uid, user, ipv6Only } = holder;
    let tail = this.#tails.get(owners);
    if (tail?.state !== state || tail.uid !== uid || tail.user !== user || tail.ipv6Only !== ipv6Only) {
      tail = { state, uid, user, ipv6Only, bytes: this.#encode(this.#rest(holder)) };
      this.#tails.set(owners, tail);
    }
    return tail.bytes;
  }

  /** The line from the state on. */
  #rest({ state, freeInMs, uid, user, ipv6Only, owners }: Holder): string {
    return `,"state":"${state}","freeInMs":${freeInMs},"namespace":null,"uid":${uid},"user":${printableJson(user, 0)},"ipv6Only":${ipv6Only},"owners":${this.#ownersText(owners)}}`;
  }

  #ownersText(owners: readonly Owner[]): string {
    let text = this.#owners.get(owners);
    if (text === undefined) {
      text = printableJson(owners, 0);
      this.#owners.set(owners, text);
    }
    return text;
  }

  #put(bytes: Uint8Array): void {
    this.#need(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #port(value: number): void {
    this.#need(DIGITS);
    const start = this.#at;
    let end = start;
    end += value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : value < 10_000 ? 4 : 5;
    this.#at = end;
    for (let left = value; end > start; left = Math.floor(left / 10)) this.#bytes[--end] = ZERO + (left % 10);
  }

  #ascii(address: string): void {
    this.#need(LONGEST_ADDRESS);
    for (let index = 0; index < address.length; index++) this.#bytes[this.#at++] = address.charCodeAt(index);
  }

  #need(room: number): void {
    if (this.#at + room <= this.#bytes.length) return;
    const more = new Uint8Array(2 * (this.#at + room));
    more.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = more;
  }
}
