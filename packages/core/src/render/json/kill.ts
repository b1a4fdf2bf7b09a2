// `portolan kill PORT --json`, version 1.
import type {
  Elsewhere,
  KillHow,
  KillReport,
  KillResult,
  RefusalReason,
  UnitScope,
} from '../../model/kill.ts';
import type { Transport } from '../../model/port.ts';
import type { Container } from '../../model/socket.ts';
import type { Translator } from '../../text/catalog.ts';
import { outcomeWords, refusalWords } from '../../view/kill.ts';
import { type GapV1, gapJson, type HolderV1, holderJson, type OwnerV1 } from './v1.ts';

export interface KillTargetV1 {
  readonly how: KillHow;
  readonly units: readonly string[];
  readonly scope: UnitScope | null;
  readonly container: Container | null;
  readonly owners: readonly OwnerV1[];
  readonly holders: readonly HolderV1[];
  readonly connections: number;
  readonly elsewhere: readonly Elsewhere[];
  readonly elsewhereConnections: number;
}

export interface KillRefusalV1 {
  readonly reason: RefusalReason;
  readonly text: string;
  readonly holder: HolderV1;
  readonly command: string | null;
}

export interface KillOutcomeV1 {
  readonly how: KillHow;
  readonly pid: number | null;
  readonly startedAt: string | null;
  readonly units: readonly string[];
  readonly container: Container | null;
  readonly signals: readonly ('SIGTERM' | 'SIGKILL')[];
  readonly result: KillResult;
  readonly text: string;
  readonly command: string | null;
}

export interface KillV1 {
  readonly format: 'portolan.kill/1';
  readonly port: number;
  readonly transports: readonly Transport[];
  /** True where nothing was done. */
  readonly dryRun: boolean;
  readonly plan: { readonly targets: readonly KillTargetV1[]; readonly refusals: readonly KillRefusalV1[] };
  readonly outcome: readonly KillOutcomeV1[];
  /** True: no process has the port now; false: one has, or nothing was done; null: not all could be looked at. */
  readonly done: boolean | null;
  /** How the port stands afterwards; null where nothing was done. */
  readonly end: KillReport['end'];
  /** As they are now. */
  readonly holders: readonly HolderV1[];
  readonly gaps: readonly GapV1[];
}

/** `portolan kill PORT --json`. */
export function killJson(report: KillReport, lang: Translator): KillV1 {
  const { port, transports, dryRun, plan, outcome, end, use } = report;
  return {
    format: 'portolan.kill/1',
    port,
    transports,
    dryRun,
    plan: {
      targets: plan.targets.map((target) => ({
        how: target.how,
        units: target.units,
        scope: target.scope,
        container: target.container,
        owners: target.owners,
        holders: target.holders.map(holderJson),
        connections: target.connections.length,
        elsewhere: target.elsewhere,
        elsewhereConnections: target.elsewhereConnections,
      })),
      refusals: plan.refusals.map((refusal) => ({
        reason: refusal.reason,
        text: lang.say(refusalWords(refusal)),
        holder: holderJson(refusal.holder),
        command: refusal.command,
      })),
    },
    outcome: outcome.map((one) => ({
      how: one.how,
      pid: one.owner?.pid ?? null,
      startedAt: one.owner?.startedAt ?? null,
      units: one.units,
      container: one.container,
      signals: one.signals,
      result: one.result,
      text: lang.say(outcomeWords(one, report)),
      command: one.command,
    })),
    done: end === 'unknown' ? null : end === 'free' || end === 'closing',
    end,
    holders: use.holders.map(holderJson),
    gaps: use.gaps.map((gap) => gapJson(gap, lang)),
  };
}
