// What both ways of looking at a Mac have in common: what they give, and the gaps of a list that is not to be relied on.
import { type Gap, inRange, type PortRange, type Snapshot, type Transport } from '@portolan/core';
import type { ProbeRequest } from '../backend.ts';

/** What one of the two ways found. */
export interface Found {
  readonly sockets: Snapshot['sockets'];
  readonly gaps: readonly Gap[];
  readonly ephemeral: PortRange | null;
}

/** The commands that show more. */
export interface Remedies {
  /** The same again as root; null for root. */
  readonly sudo: string | null;
  /** A tool of the system's own. */
  readonly tool: string;
}

/** True for what was asked about. */
export function isAsked(
  { ports, transports }: ProbeRequest,
  row: { readonly transport: Transport; readonly local: { readonly port: number } },
): boolean {
  return transports.includes(row.transport) && (ports === null || inRange(row.local.port, ports));
}

/** Other users' sockets may be hidden. */
export function othersHidden(transports: readonly Transport[], remedy: string): Gap {
  return {
    code: 'sockets-others',
    values: { transport: transports.join(', ') },
    remedy,
    coversUse: true,
    transports,
  };
}

/** A source that lacks what must be there. */
export function sourceSilent(transports: readonly Transport[], name: string, remedy: string): Gap {
  return {
    code: 'sockets-silent',
    values: { transport: transports.join(', '), name },
    remedy,
    coversUse: true,
    transports,
  };
}

/** A source that could not be read. */
export function unreadable(
  transports: readonly Transport[],
  reason: string,
  file: string,
  remedy: string,
): Gap {
  return {
    code: 'sockets-unreadable',
    values: { transport: transports.join(', '), reason, file },
    remedy,
    coversUse: true,
    transports,
  };
}
