// `portolan reserve PORTS --json` and `unreserve`, version 1.
import type { PortRange } from '../../model/port.ts';
import type { Severity } from '../../model/report.ts';
import type {
  BootReader,
  BootValue,
  ExactTrial,
  FileChange,
  NamespaceKind,
  RepeatedTrial,
  ReserveAction,
  ReserveFailure,
  ReserveNoteKind,
  ReserveProof,
  ReserveRefusal,
  ReserveReport,
} from '../../model/reserve.ts';
import type { Container } from '../../model/socket.ts';
import type { Translator } from '../../text/catalog.ts';
import { failureWords, namespaceWords, proofTotals, proofWords } from '../../view/reserve.ts';
import { type GapV1, gapJson, type HolderV1, holderJson } from './v1.ts';

export interface ReserveV1 {
  readonly format: 'portolan.reserve/1';
  readonly action: ReserveAction;
  readonly platform: string;
  /** Inclusive runs that were asked for. */
  readonly ports: readonly PortRange[];
  /** The network namespace it is about: the one Portolan runs in. */
  readonly namespace: {
    readonly kind: NamespaceKind;
    readonly inode: number | null;
    readonly names: readonly string[];
    readonly container: Container | null;
    readonly text: string;
  };
  readonly plan: {
    /** The running list; null where it could not be read. */
    readonly before: readonly PortRange[] | null;
    readonly after: readonly PortRange[] | null;
    readonly add: readonly PortRange[];
    readonly remove: readonly PortRange[];
    readonly files: readonly FileChange[];
    /** What each reader of the files sets at boot; null with --now. */
    readonly boot: {
      readonly before: Readonly<Record<BootReader, BootValue>>;
      readonly after: Readonly<Record<BootReader, BootValue>>;
    } | null;
    readonly commands: readonly string[];
    readonly undo: readonly string[];
    readonly refusal: ReserveRefusal | null;
  };
  readonly notes: readonly {
    readonly kind: ReserveNoteKind;
    readonly severity: Severity;
    readonly text: string;
    readonly holders: readonly HolderV1[];
  }[];
  readonly applied: boolean;
  /** List and drop-in were read back and are as planned; null where nothing was applied. */
  readonly verified: boolean | null;
  /** The running list as it was read back; null where nothing was applied. */
  readonly now: readonly PortRange[] | null;
  readonly proof: {
    readonly method: ReserveProof['method'];
    readonly reason: ReserveProof['reason'];
    readonly candidates: number;
    readonly asked: number;
    readonly proven: number;
    readonly broken: readonly number[];
    readonly open: readonly number[];
    readonly luck: number;
    readonly text: string;
    readonly exact: readonly ExactTrial[];
    readonly repeated: readonly RepeatedTrial[];
  } | null;
  readonly failure:
    | (Omit<ReserveFailure, 'remedies'> & { readonly text: string; readonly remedies: readonly string[] })
    | null;
  readonly gaps: readonly GapV1[];
}

/** The report as programs read it. */
export function reserveJson(report: ReserveReport, lang: Translator): ReserveV1 {
  const { plan, state, proof, failure } = report;
  const { kind, inode, names, container } = state.namespace;
  return {
    format: 'portolan.reserve/1',
    action: plan.action,
    platform: state.platform,
    ports: plan.ports,
    namespace: { kind, inode, names, container, text: lang.say(namespaceWords(report)) },
    plan: {
      before: plan.before,
      after: plan.after,
      add: plan.add,
      remove: plan.remove,
      files: plan.files,
      boot: plan.boot,
      commands: plan.commands,
      undo: plan.undo,
      refusal: plan.refusal,
    },
    notes: plan.notes.map((note) => ({
      kind: note.kind,
      severity: note.severity,
      text: lang.say(note.text),
      holders: note.holders.map(holderJson),
    })),
    applied: report.applied,
    verified: report.verified,
    now: report.now,
    proof: proof === null ? null : proofJson(report, proof, lang),
    failure:
      failure === null
        ? null
        : {
            step: failure.step,
            code: failure.code,
            path: failure.path,
            pid: failure.pid,
            restored: failure.restored,
            text: lang.say(failureWords(failure).first),
            remedies: failure.remedies,
          },
    gaps: report.gaps.map((gap) => gapJson(gap, lang)),
  };
}

function proofJson(report: ReserveReport, proof: ReserveProof, lang: Translator): ReserveV1['proof'] {
  const { proven, broken, open, asked, luck } = proofTotals(report.plan, proof);
  const { method, reason, candidates, exact, repeated } = proof;
  const text = proofWords(report)
    .map((words) => lang.say(words))
    .join(' ');
  return { method, reason, candidates, asked, proven, broken, open, luck, text, exact, repeated };
}
