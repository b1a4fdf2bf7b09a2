// The JSON of many holders, a piece at a time: the same bytes as all at once would be, without holding them.
import type { ListenerForecast } from '../../model/forecast.ts';
import type { Transport } from '../../model/port.ts';
import type { Holder } from '../../model/report.ts';
import type { Endpoint, Gap, Owner } from '../../model/socket.ts';
import type { Translator } from '../../text/catalog.ts';
import { printableJson } from '../printable.ts';
import { gapJson, holderJson } from './v1.ts';

/** Characters after which a piece is handed on. */
const PIECE = 1 << 16;

/** What is foretold for a listener in the ephemeral range, as `list` has it. */
export interface ForecastV1 {
  readonly transport: Transport;
  readonly local: Endpoint;
  readonly chance: number;
  readonly basis: string;
  readonly firstTakenSeconds: number | null;
  readonly restartChance: number | null;
}

/** `portolan list --json`, a holder a line, in pieces of about 64 Ki characters; `more` is what `read` adds. */
export function* listPieces(
  holders: Iterable<Holder>,
  gaps: readonly Gap[],
  forecasts: readonly ListenerForecast[],
  lang: Translator,
  more: Readonly<Record<string, unknown>> = {},
): Generator<string> {
  const lines = new HolderLines();
  let piece = '{ "format": "portolan.list/1", "holders": [';
  let separator = '\n';
  for (const holder of holders) {
    piece += separator + lines.line(holder);
    separator = ',\n';
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  const lined = (values: readonly unknown[]): string =>
    values.length === 0 ? '[]' : `[\n${values.map((value) => printableJson(value, 0)).join(',\n')}\n]`;
  const rest = lined(gaps.map((gap) => gapJson(gap, lang)));
  yield `${piece}\n], "gaps": ${rest}, "forecasts": ${lined(forecasts.map((each) => forecastJson(each, lang)))}`;
  for (const [key, value] of Object.entries(more)) {
    yield `, "${key}": ${Array.isArray(value) ? lined(value as readonly unknown[]) : printableJson(value, 0)}`;
  }
  yield ' }\n';
}

function forecastJson({ transport, local, forecast }: ListenerForecast, lang: Translator): ForecastV1 {
  return {
    transport,
    local,
    chance: forecast.chance,
    basis: lang.say(forecast.basis),
    firstTakenSeconds: forecast.firstTakenSeconds,
    restartChance: forecast.restartChance,
  };
}

/** An address as the kernel's bytes are written: nothing in it needs escaping. */
const PLAIN_ADDRESS = /^[0-9a-f.:]{2,45}$/;

/** Addresses for which the beginning of a line is kept. */
const HEADS_KEPT = 4096;

/** The beginning of a line up to the port, and what it depends on besides the address. */
interface Head extends Pick<Holder, 'kind' | 'transport'> {
  readonly text: string;
}

/** The end of a line from the peer on, for holders without one, and what it depends on besides the owners. */
interface Tail extends Pick<Holder, 'state' | 'uid' | 'user' | 'ipv6Only'> {
  readonly text: string;
}

/**
 * Writes holders. What many have in common is put into words once: where an address begins, who has it from there to the
 * end; the port is all that differs between most lines.
 */
export class HolderLines {
  readonly #owners = new Map<readonly Owner[], string>();
  readonly #users = new Map<string | null, string>();
  readonly #heads = new Map<string, Head>();
  readonly #tails = new Map<readonly Owner[], Tail>();

  /** `holderJson` of a holder as one line. */
  line(holder: Holder): string {
    const { local, peer } = holder;
    const plain =
      holder.namespace === null &&
      holder.device === null &&
      !holder.mptcp &&
      holder.group === 1 &&
      holder.activation === null &&
      holder.publishes === null &&
      holder.redirect === null;
    const head = plain ? this.#head(holder) : null;
    if (head === null) return printableJson(holderJson(holder), 0);
    if (peer === null && holder.freeInMs === null) return head + local.port + this.#tail(holder);
    if (peer !== null && !PLAIN_ADDRESS.test(peer.address)) return printableJson(holderJson(holder), 0);
    const from = peer === null ? 'null' : `{"address":"${peer.address}","port":${peer.port}}`;
    return `${head}${local.port}},"peer":${from}${this.#rest(holder)}`;
  }

  /** Null where the address has characters that may need escaping. */
  #head({ kind, transport, local }: Holder): string | null {
    let head = this.#heads.get(local.address);
    if (head?.kind !== kind || head.transport !== transport) {
      if (!PLAIN_ADDRESS.test(local.address)) return null;
      if (this.#heads.size >= HEADS_KEPT) this.#heads.clear();
      // Joined, the text is one; pieced together, it would be copied from its pieces each time.
      const parts = [
        '{"kind":"',
        kind,
        '","transport":"',
        transport,
        '","local":{"address":"',
        local.address,
      ];
      head = { kind, transport, text: [...parts, '","port":'].join('') };
      this.#heads.set(local.address, head);
    }
    return head.text;
  }

  #tail(holder: Holder): string {
    const { owners, state, uid, user, ipv6Only } = holder;
    let tail = this.#tails.get(owners);
    if (tail?.state !== state || tail.uid !== uid || tail.user !== user || tail.ipv6Only !== ipv6Only) {
      tail = { state, uid, user, ipv6Only, text: ['},"peer":null', this.#rest(holder)].join('') };
      this.#tails.set(owners, tail);
    }
    return tail.text;
  }

  /** The line from the state on. */
  #rest({ state, freeInMs, uid, user, ipv6Only, owners }: Holder): string {
    return `,"state":"${state}","freeInMs":${freeInMs},"namespace":null,"uid":${uid},"user":${this.#user(user)},"ipv6Only":${ipv6Only},"owners":${this.#ownersText(owners)}}`;
  }

  #user(user: string | null): string {
    let text = this.#users.get(user);
    if (text === undefined) {
      text = printableJson(user, 0);
      this.#users.set(user, text);
    }
    return text;
  }

  #ownersText(owners: readonly Owner[]): string {
    let text = this.#owners.get(owners);
    if (text === undefined) {
      text = printableJson(owners, 0);
      this.#owners.set(owners, text);
    }
    return text;
  }
}
