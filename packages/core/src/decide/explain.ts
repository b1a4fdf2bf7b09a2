// Joins the three truths about one port: what it is said to carry, what really holds it, what could take it.
import type { BlockedPort, ClaimSet, EphemeralDefault, Source } from '../model/claim.ts';
import { ianaRangeOf, inRange, type Transport } from '../model/port.ts';
import type { HostView, PortReport } from '../model/report.ts';
import type { Snapshot } from '../model/socket.ts';
import { aboutTransports, narrowestFirst } from './claims.ts';
import { disagreementsAbout } from './disagreements.ts';
import { risksOf } from './risks.ts';
import { useOf } from './use.ts';

/** Source of the three ranges. */
const RANGE_SOURCE = 'rfc6335';

/** Everything the answer is made from. */
export interface ExplainInput {
  readonly port: number;
  readonly transports: readonly Transport[];
  readonly claims: ClaimSet;
  readonly snapshot: Snapshot;
  readonly blocked: { readonly source: string; readonly ports: readonly BlockedPort[] };
  readonly defaults: readonly EphemeralDefault[];
  /** Looks a source up by its id. */
  readonly source: (id: string) => Source;
  /** How a shell calls this program, for remedies. */
  readonly call: string;
}

/** The report about one port. */
export function explain(input: ExplainInput): PortReport {
  const { port, transports, snapshot } = input;
  const range = ianaRangeOf(port);
  const claims = narrowestFirst(aboutTransports(input.claims.claims, transports));
  const disagreements = disagreementsAbout(port, range, claims);
  const host = hostView(port, snapshot, input.blocked.ports);
  const use = useOf(snapshot, [port, port], transports);
  const risks = risksOf({
    port,
    transports,
    claims,
    host,
    use,
    ephemeralUse: snapshot.ephemeralUse,
    defaults: input.defaults,
    blockedSource: input.blocked.source,
    call: input.call,
  });
  const ids = new Set<string>([RANGE_SOURCE]);
  for (const claim of claims) ids.add(claim.source);
  for (const found of disagreements) if (found.rule !== null) ids.add(found.rule);
  for (const risk of risks) for (const id of risk.sources) ids.add(id);
  return {
    port,
    transports,
    range: { ...range, source: RANGE_SOURCE },
    claims,
    disagreements,
    sources: Object.fromEntries([...ids].map((id) => [id, input.source(id)])),
    host,
    use,
    risks,
  };
}

/** What this host does with a port by its limits and by what browsers refuse. */
export function hostView(port: number, snapshot: Snapshot, blocked: readonly BlockedPort[]): HostView {
  const { ephemeral, reserved, unprivilegedFrom } = snapshot.limits;
  return {
    platform: snapshot.platform,
    release: snapshot.release,
    ephemeral,
    reserved,
    unprivilegedFrom,
    inEphemeral: ephemeral === null ? null : inRange(port, ephemeral),
    isReserved: reserved === null ? null : reserved.some((range) => inRange(port, range)),
    browserBlocked: blocked.some((entry) => entry.port === port),
  };
}
