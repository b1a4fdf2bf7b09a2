// The JSON outputs, version 1: types that scripts rely on, and the one place that makes them.
import type { Claim, Source } from '../../model/claim.ts';
import type { PortRange, Transport } from '../../model/port.ts';
import type {
  Disagreement,
  Holder,
  PortReport,
  Remedy,
  Risk,
  Severity,
  Use,
  Verdict,
} from '../../model/report.ts';
import type {
  Activation,
  Container,
  Endpoint,
  Gap,
  NetNamespace,
  ProcessRef,
  Published,
  Redirect,
} from '../../model/socket.ts';
import type { Translator } from '../../text/catalog.ts';
import { gapMessages, namespaceName } from '../../view/holder-words.ts';

export interface ClaimV1 {
  readonly id: string;
  readonly ports: PortRange;
  readonly transports: readonly Transport[];
  readonly service: string;
  readonly product: string | null;
  readonly vendor: string | null;
  readonly authority: Claim['authority'];
  readonly note: string | null;
  readonly source: string;
  readonly confidence: Claim['confidence'];
  /** Only on claims of the registry. */
  readonly status?: 'assigned' | 'reserved';
}

export interface SourceV1 {
  readonly title: string;
  readonly url: string;
  readonly date: string | null;
  readonly edition: string | null;
}

export interface OwnerV1 {
  readonly pid: number;
  readonly startedAt: string | null;
  readonly name: string;
  readonly exe: string | null;
  readonly argv: readonly string[] | null;
  readonly cwd: string | null;
  readonly user: string | null;
  readonly unit: string | null;
  readonly container: Container | null;
  readonly launchedBy: readonly ProcessRef[];
  readonly inferred: boolean;
}

export interface HolderV1 {
  readonly kind: Holder['kind'];
  readonly transport: Transport;
  readonly local: Endpoint;
  readonly peer: Endpoint | null;
  readonly state: string;
  readonly freeInMs: number | null;
  /** Name under /run/netns, else `net:[INODE]`, else `pid:PID`; null for the one Portolan runs in. */
  readonly namespace: string | null;
  /** Whose namespace it is; only where `namespace` is not null. */
  readonly namespaceOf?: Pick<NetNamespace, 'container' | 'process'>;
  readonly uid: number | null;
  readonly user: string | null;
  readonly ipv6Only: boolean | null;
  /** Only where the socket is bound to an interface. */
  readonly device?: string;
  /** Only on sockets of Multipath TCP. */
  readonly mptcp?: true;
  /** Only where several listeners share the endpoint: how many. */
  readonly group?: number;
  /** Only where systemd holds the socket for a service. */
  readonly activation?: Activation;
  /** Only where it stands for a container's port. */
  readonly publishes?: Published;
  /** Only on `excluded`: the whole range that the system keeps back. */
  readonly excluded?: PortRange;
  /** Only on redirects: the rule. */
  readonly redirect?: Omit<Redirect, 'publishes' | 'transport'>;
  readonly owners: readonly OwnerV1[];
}

export interface GapV1 {
  readonly what: string;
  readonly why: string;
  readonly remedy: string | null;
}

export interface RemedyV1 {
  readonly title: string;
  readonly commands: readonly string[];
  readonly needsRoot: boolean;
  readonly persistent: boolean;
  readonly undo: readonly string[];
}

export interface RiskV1 {
  readonly id: string;
  readonly severity: Severity;
  readonly chance: number | null;
  readonly basis: string | null;
  /** There for `ephemeral-overlap` alone. */
  readonly firstTakenSeconds?: number | null;
  readonly restartChance?: number | null;
  readonly text: string;
  readonly remedies: readonly RemedyV1[];
}

export interface ReportV1 {
  readonly format: 'portolan.report/1';
  readonly port: number;
  readonly transports: readonly Transport[];
  readonly range: {
    readonly name: string;
    readonly first: number;
    readonly last: number;
    readonly assignable: boolean;
    readonly source: string;
  };
  readonly claims: readonly ClaimV1[];
  readonly disagreements: readonly {
    readonly kind: string;
    readonly claims: readonly string[];
    readonly text: string;
  }[];
  readonly sources: Readonly<Record<string, SourceV1>>;
  readonly host: {
    readonly platform: string;
    readonly release: string | null;
    readonly ephemeral: PortRange | null;
    readonly reserved: readonly PortRange[] | null;
    readonly unprivilegedFrom: number | null;
    readonly inEphemeral: boolean | null;
    readonly isReserved: boolean | null;
    readonly browserBlocked: boolean;
  };
  readonly use: {
    readonly verdict: Verdict;
    readonly holders: readonly HolderV1[];
    readonly gaps: readonly GapV1[];
  };
  readonly risks: readonly RiskV1[];
}

/** `portolan PORT --json`. */
export function reportJson(report: PortReport, lang: Translator): ReportV1 {
  const { range, host } = report;
  return {
    format: 'portolan.report/1',
    port: report.port,
    transports: report.transports,
    range: {
      name: range.name,
      first: range.first,
      last: range.last,
      assignable: range.assignable,
      source: range.source,
    },
    claims: report.claims.map(claimJson),
    disagreements: report.disagreements.map((found) => disagreementJson(found, lang)),
    sources: Object.fromEntries(
      Object.entries(report.sources).map(([id, source]) => [id, sourceJson(source)]),
    ),
    host: {
      platform: host.platform,
      release: host.release,
      ephemeral: host.ephemeral,
      reserved: host.reserved,
      unprivilegedFrom: host.unprivilegedFrom,
      inEphemeral: host.inEphemeral,
      isReserved: host.isReserved,
      browserBlocked: host.browserBlocked,
    },
    use: useJson(report.use, lang),
    risks: report.risks.map((risk) => riskJson(risk, lang)),
  };
}

/** `portolan list --json`. */
export function listJson(
  holders: readonly Holder[],
  gaps: readonly Gap[],
  lang: Translator,
): { format: 'portolan.list/1'; holders: HolderV1[]; gaps: GapV1[] } {
  return {
    format: 'portolan.list/1',
    holders: holders.map(holderJson),
    gaps: gaps.map((gap) => gapJson(gap, lang)),
  };
}

/** `portolan who PORT --json`. */
export function whoJson(
  port: number,
  use: Use,
  lang: Translator,
): { format: 'portolan.who/1'; port: number; verdict: Verdict; holders: HolderV1[]; gaps: GapV1[] } {
  const { holders, gaps } = listJson(use.holders, use.gaps, lang);
  return { format: 'portolan.who/1', port, verdict: use.verdict, holders, gaps };
}

/** `portolan search WORDS --json`. */
export function searchJson(
  query: string,
  claims: readonly Claim[],
  source: (id: string) => Source,
): { format: 'portolan.search/1'; query: string; claims: ClaimV1[]; sources: Record<string, SourceV1> } {
  const ids = [...new Set(claims.map((claim) => claim.source))];
  return {
    format: 'portolan.search/1',
    query,
    claims: claims.map(claimJson),
    sources: Object.fromEntries(ids.map((id) => [id, sourceJson(source(id))])),
  };
}

export function claimJson(claim: Claim): ClaimV1 {
  return {
    id: claim.id,
    ports: claim.ports,
    transports: claim.transports,
    service: claim.service,
    product: claim.product,
    vendor: claim.vendor,
    authority: claim.authority,
    note: claim.note,
    source: claim.source,
    confidence: claim.confidence,
    ...(claim.status === undefined ? {} : { status: claim.status }),
  };
}

export function sourceJson(source: Source): SourceV1 {
  return { title: source.title, url: source.url, date: source.date, edition: source.edition ?? null };
}

function disagreementJson(
  found: Disagreement,
  lang: Translator,
): { kind: string; claims: readonly string[]; text: string } {
  return { kind: found.kind, claims: found.claims, text: lang.say(found.text) };
}

/** A holder as every output has it. */
export function holderJson(holder: Holder): HolderV1 {
  return {
    kind: holder.kind,
    transport: holder.transport,
    local: holder.local,
    peer: holder.peer,
    state: holder.state,
    freeInMs: holder.freeInMs,
    namespace: holder.namespace === null ? null : namespaceName(holder.namespace),
    ...(holder.namespace === null
      ? {}
      : {
          namespaceOf: { container: holder.namespace.container, process: holder.namespace.process },
        }),
    uid: holder.uid,
    user: holder.user,
    ipv6Only: holder.ipv6Only,
    ...(holder.device === null ? {} : { device: holder.device }),
    ...(holder.mptcp ? { mptcp: true as const } : {}),
    ...(holder.group === 1 ? {} : { group: holder.group }),
    ...(holder.activation === null ? {} : { activation: holder.activation }),
    ...(holder.publishes === null ? {} : { publishes: holder.publishes }),
    ...(holder.exclusion === undefined ? {} : { excluded: holder.exclusion.ports }),
    ...(holder.redirect === null ? {} : { redirect: redirectJson(holder.redirect) }),
    owners: holder.owners,
  };
}

function redirectJson(rule: Redirect): Omit<Redirect, 'publishes' | 'transport'> {
  return {
    family: rule.family,
    address: rule.address,
    ports: rule.ports,
    target: rule.target,
    ...(rule.partial === true && { partial: true as const }),
    hooks: rule.hooks,
    by: rule.by,
    table: rule.table,
    chain: rule.chain,
    maker: rule.maker,
    name: rule.name,
  };
}

function useJson(use: Use, lang: Translator): ReportV1['use'] {
  return {
    verdict: use.verdict,
    holders: use.holders.map(holderJson),
    gaps: use.gaps.map((gap) => gapJson(gap, lang)),
  };
}

/** A gap as every output has it. */
export function gapJson(gap: Gap, lang: Translator): GapV1 {
  const { what, why } = gapMessages(gap);
  return { what: lang.say(what), why: lang.say(why), remedy: gap.remedy };
}

/** A risk as every output has it. */
export function riskJson(risk: Risk, lang: Translator): RiskV1 {
  return {
    id: risk.id,
    severity: risk.severity,
    chance: risk.chance,
    basis: risk.basis === null ? null : lang.say(risk.basis),
    ...(risk.firstTakenSeconds === undefined ? {} : { firstTakenSeconds: risk.firstTakenSeconds }),
    ...(risk.restartChance === undefined ? {} : { restartChance: risk.restartChance }),
    text: lang.say(risk.text),
    remedies: risk.remedies.map((remedy) => remedyJson(remedy, lang)),
  };
}

/** A remedy as every output has it. */
export function remedyJson(remedy: Remedy, lang: Translator): RemedyV1 {
  return {
    title: lang.say(remedy.title),
    commands: remedy.commands,
    needsRoot: remedy.needsRoot,
    persistent: remedy.persistent,
    undo: remedy.undo,
  };
}
