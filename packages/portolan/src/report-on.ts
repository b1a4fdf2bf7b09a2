// The report on one port, from facts and a snapshot: what the program and the library share.
import { explain, type PortReport, type Snapshot, type Transport } from '@portolan/core';
import type { Facts } from '@portolan/facts';

/** The report on one port from facts and a snapshot that covers it. */
export function reportOn(
  port: number,
  transports: readonly Transport[],
  facts: Facts,
  snapshot: Snapshot,
  call: string,
): PortReport {
  const extras = facts.extras();
  return explain({
    port,
    transports,
    claims: facts.claimsFor(port),
    snapshot,
    blocked: extras.blocked,
    defaults: extras.ephemeral,
    source: (id) => facts.source(id),
    call,
  });
}
