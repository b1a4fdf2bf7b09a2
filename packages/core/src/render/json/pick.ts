// `portolan pick --json`, version 1.
import type { PickDecision, PickReason, PickRule, RuleCount } from '../../model/pick.ts';
import type { Transport } from '../../model/port.ts';
import type { Translator } from '../../text/catalog.ts';
import { type GapV1, gapJson } from './v1.ts';

export interface PickV1 {
  readonly format: 'portolan.pick/1';
  readonly transports: readonly Transport[];
  readonly ports: readonly {
    readonly port: number;
    readonly reasons: readonly { readonly id: PickReason['id']; readonly text: string }[];
  }[];
  /** By the first rule that refused, over 1–65535; with `left` they add up to 65,535. */
  readonly refused: readonly RuleCount[];
  /** Numbers that no rule refused, those in `ports` included. */
  readonly left: number;
  /** The number that was wished; null where none was. `rule` is null where it was offered. */
  readonly near: {
    readonly port: number;
    readonly rule: PickRule | null;
    readonly text: string | null;
  } | null;
  /** True where a gap may hide a holder, so that nothing is called free. */
  readonly unsure: boolean;
  /** True where the ports stay leased until this process ends. */
  readonly held: boolean;
  readonly gaps: readonly GapV1[];
}

/** The decision as programs read it. */
export function pickJson(decision: PickDecision, lang: Translator): PickV1 {
  const { near } = decision;
  return {
    format: 'portolan.pick/1',
    transports: decision.transports,
    ports: decision.ports.map(({ port, reasons }) => ({
      port,
      reasons: reasons.map(({ id, text }) => ({ id, text: lang.say(text) })),
    })),
    refused: decision.refused,
    left: decision.left,
    near:
      near === null
        ? null
        : { port: near.port, rule: near.rule, text: near.text === null ? null : lang.say(near.text) },
    unsure: decision.unsure,
    held: decision.held,
    gaps: decision.gaps.map((gap) => gapJson(gap, lang)),
  };
}
