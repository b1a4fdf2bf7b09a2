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

/** `portolan list --json`, a holder a line, in pieces of about 64 Ki characters. */
export function* listPieces(
  holders: Iterable<Holder>,
  gaps: readonly Gap[],
  forecasts: readonly ListenerForecast[],
  lang: Translator,
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
  yield `${piece}\n], "gaps": ${rest}, "forecasts": ${lined(forecasts.map((each) => forecastJson(each, lang)))} }\n`;
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

/** Writes holders; what one process has is put into words once, however many sockets it holds. */
export class HolderLines {
  readonly #owners = new Map<readonly Owner[], string>();
  readonly #users = new Map<string | null, string>();

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
      holder.redirect === null &&
      PLAIN_ADDRESS.test(local.address) &&
      (peer === null || PLAIN_ADDRESS.test(peer.address));
    if (!plain) return printableJson(holderJson(holder), 0);
    const { kind, transport, state, freeInMs, uid, ipv6Only } = holder;
    const from = peer === null ? 'null' : endpointText(peer);
    return `{"kind":"${kind}","transport":"${transport}","local":${endpointText(local)},"peer":${from},"state":"${state}","freeInMs":${freeInMs},"namespace":null,"uid":${uid},"user":${this.#user(holder.user)},"ipv6Only":${ipv6Only},"owners":${this.#ownersText(holder.owners)}}`;
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

function endpointText({ address, port }: Endpoint): string {
  return `{"address":"${address}","port":${port}}`;
}
