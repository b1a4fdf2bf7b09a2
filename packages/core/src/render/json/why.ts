// `portolan why PORT --json`, version 1.
import type { Transport } from '../../model/port.ts';
import type { WhyDecision } from '../../model/why.ts';
import type { Translator } from '../../text/catalog.ts';
import {
  type GapV1,
  gapJson,
  type HolderV1,
  holderJson,
  type RemedyV1,
  type RiskV1,
  remedyJson,
} from './v1.ts';

export interface WhyV1 {
  readonly format: 'portolan.why/1';
  readonly port: number;
  readonly transport: Transport;
  /** Address that was tried, with its zone. */
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  /** IPV6_V6ONLY; null for IPv4. */
  readonly ipv6Only: boolean | null;
  readonly reuse: string;
  /** Was listen(2) part of the trial? */
  readonly listen: boolean;
  readonly bindable: boolean | null;
  readonly errno: string | null;
  /** System call that failed. */
  readonly step: string | null;
  readonly causes: readonly {
    readonly kind: string;
    readonly text: string;
    readonly holders: readonly HolderV1[];
    readonly remedies: readonly RemedyV1[];
  }[];
  readonly notes: readonly {
    readonly kind: string;
    readonly severity: string;
    readonly text: string;
    readonly holders: readonly HolderV1[];
  }[];
  readonly risks: readonly RiskV1[];
  readonly changed: { readonly came: readonly HolderV1[]; readonly gone: readonly HolderV1[] } | null;
  readonly gaps: readonly GapV1[];
}

/** The decision as programs read it. */
export function whyJson(decision: WhyDecision, lang: Translator): WhyV1 {
  const { wish, result, changed } = decision;
  return {
    format: 'portolan.why/1',
    port: wish.port,
    transport: wish.transport,
    address: wish.zone === null ? wish.address : `${wish.address}%${wish.zone}`,
    family: wish.family,
    ipv6Only: wish.v6only,
    reuse: wish.reuse,
    listen: wish.listen,
    bindable: decision.bindable,
    errno: result?.errno ?? null,
    step: result?.step ?? null,
    causes: decision.causes.map((cause) => ({
      kind: cause.kind,
      text: lang.say(cause.text),
      holders: cause.holders.map(holderJson),
      remedies: cause.remedies.map((remedy) => remedyJson(remedy, lang)),
    })),
    notes: decision.notes.map((note) => ({
      kind: note.kind,
      severity: note.severity,
      text: lang.say(note.text),
      holders: note.holders.map(holderJson),
    })),
    risks: decision.risks.map((risk) => ({
      id: risk.id,
      severity: risk.severity,
      chance: risk.chance,
      basis: risk.basis === null ? null : lang.say(risk.basis),
      text: lang.say(risk.text),
      remedies: risk.remedies.map((remedy) => remedyJson(remedy, lang)),
    })),
    changed:
      changed === null ? null : { came: changed.came.map(holderJson), gone: changed.gone.map(holderJson) },
    gaps: decision.gaps.map((gap) => gapJson(gap, lang)),
  };
}
