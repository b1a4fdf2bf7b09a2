// `portolan audit --json`, version 1.
import type { AuditDecision, AuditFinding, Place } from '../../model/audit.ts';
import type { PortRange, Transport } from '../../model/port.ts';
import type { Severity } from '../../model/report.ts';
import type { ProcessRef } from '../../model/socket.ts';
import type { Translator } from '../../text/catalog.ts';
import {
  type ClaimV1,
  claimJson,
  type GapV1,
  gapJson,
  type HolderV1,
  holderJson,
  type RemedyV1,
  remedyJson,
  type SourceV1,
  sourceJson,
} from './v1.ts';

/** Where a number is written; null where no file names it. Lines and columns from 1. */
export interface WhereV1 {
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  /** Column after the last character. */
  readonly endColumn: number | null;
}

export interface FindingV1 {
  readonly id: string;
  readonly severity: Severity;
  readonly port: number;
  readonly ports: PortRange;
  readonly transport: Transport;
  readonly where: WhereV1;
  /** What the port is fixed for, in the words of where that was found. */
  readonly service: string;
  readonly origin: string;
  readonly text: string;
  readonly chance: number | null;
  readonly basis: string | null;
  readonly remedies: readonly RemedyV1[];
  readonly claims: readonly ClaimV1[];
  readonly holders: readonly HolderV1[];
  /** Other places that the finding is about. */
  readonly others: readonly WhereV1[];
  /** Only where the number comes from a variable; `where` of one whose default stands in the text itself is null. */
  readonly variable?: { readonly name: string; readonly where: WhereV1 | null };
  readonly fingerprint: string;
  /** Only where a profile names the port. */
  readonly profile?: string;
}

export interface AuditV1 {
  readonly format: 'portolan.audit/1';
  readonly findings: readonly FindingV1[];
  readonly silenced: readonly { readonly fingerprint: string; readonly reason: string }[];
  readonly unmatched: readonly { readonly fingerprint: string; readonly reason: string }[];
  readonly looked: {
    readonly ports: number;
    readonly files: readonly string[];
    readonly units: number | null;
    readonly listeners: boolean;
    readonly profiles: readonly string[];
  };
  readonly sources: Readonly<Record<string, SourceV1>>;
  readonly gaps: readonly GapV1[];
  /** Only where the profile xsan was asked for. */
  readonly xsan?: {
    readonly present: boolean;
    readonly fsports: {
      readonly file: string;
      readonly minPort: number | null;
      readonly maxPort: number | null;
      readonly altPmap: number | null;
    } | null;
    readonly nameservers: readonly string[] | null;
    /** Null where not all processes could be looked at. */
    readonly processes: readonly ProcessRef[] | null;
    readonly notes: readonly string[];
    readonly proposal: {
      readonly ports: PortRange;
      readonly within: readonly string[];
      /** False where this host's range, reservations or holders were not all seen. */
      readonly checked: boolean;
      readonly lines: readonly string[];
    } | null;
  };
}

/** The decision as programs read it. */
export function auditJson(decision: AuditDecision, lang: Translator): AuditV1 {
  const { scope, xsan } = decision;
  return {
    format: 'portolan.audit/1',
    findings: decision.findings.map((finding) => findingJson(finding, lang)),
    silenced: decision.silenced.map(({ finding, reason }) => ({ fingerprint: finding.fingerprint, reason })),
    unmatched: decision.unmatched.map(({ finding, reason }) => ({ fingerprint: finding, reason })),
    looked: {
      ports: decision.fixed.length,
      files: scope.files,
      units: scope.units,
      listeners: scope.listeners,
      profiles: scope.profiles,
    },
    sources: Object.fromEntries(
      Object.entries(decision.sources).map(([id, source]) => [id, sourceJson(source)]),
    ),
    gaps: decision.gaps.map((gap) => gapJson(gap, lang)),
    ...(xsan === null
      ? {}
      : {
          xsan: {
            present: xsan.present,
            fsports:
              xsan.found.fsports === null
                ? null
                : {
                    file: xsan.found.fsports.file,
                    minPort: xsan.found.fsports.min?.value ?? null,
                    maxPort: xsan.found.fsports.max?.value ?? null,
                    altPmap: xsan.found.fsports.altPmap?.value ?? null,
                  },
            nameservers: xsan.found.nameservers,
            processes: xsan.found.processes,
            notes: xsan.notes.map((note) => lang.say(note)),
            proposal:
              xsan.proposal === null
                ? null
                : {
                    ports: xsan.proposal.window,
                    within: xsan.proposal.within,
                    checked: xsan.checked,
                    lines: xsan.proposal.lines,
                  },
          },
        }),
  };
}

function findingJson(finding: AuditFinding, lang: Translator): FindingV1 {
  return {
    id: finding.id,
    severity: finding.severity,
    port: finding.port,
    ports: finding.ports,
    transport: finding.transport,
    where: whereJson(finding.place),
    service: finding.service,
    origin: finding.origin,
    text: lang.say(finding.text),
    chance: finding.chance,
    basis: finding.basis === null ? null : lang.say(finding.basis),
    remedies: finding.remedies.map((remedy) => remedyJson(remedy, lang)),
    claims: finding.claims.map(claimJson),
    holders: finding.holders.map(holderJson),
    others: finding.others.map(whereJson),
    ...(finding.variable === null
      ? {}
      : {
          variable: {
            name: finding.variable.name,
            where: finding.variable.place === null ? null : whereJson(finding.variable.place),
          },
        }),
    fingerprint: finding.fingerprint,
    ...(finding.profile === null ? {} : { profile: finding.profile }),
  };
}

function whereJson(place: Place | null): WhereV1 {
  return {
    file: place?.file ?? null,
    line: place?.line ?? null,
    column: place?.column ?? null,
    endColumn: place?.endColumn ?? null,
  };
}
