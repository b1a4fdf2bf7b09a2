// Linux socket state numbers (include/net/tcp_states.h) and what they are called.
import type { SocketState } from '@portolan/core';
import type { DiagTransport } from './linux-row.ts';

/** State names by kernel number; 13 is TCP_BOUND_INACTIVE, a bound socket that neither listens nor connects. */
const TCP_STATES: readonly (SocketState | null)[] = [
  null,
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
  'BOUND',
];

export const TCP_TIME_WAIT = 6;
/** The timer column of /proc/net/tcp for a socket that only waits to be let go. */
export const TIMER_TIME_WAIT = 3;
export const TCP_CLOSE = 7;
export const TCP_BOUND_INACTIVE = 13;

/**
 * States of SCTP associations by kernel number (include/net/sctp/constants.h, enum sctp_state), in the words that TCP
 * has for the like; RFC 9260 s4 has names of its own.
 */
const SCTP_STATES: readonly SocketState[] = [
  'CLOSE',
  'SYN_SENT',
  'SYN_SENT',
  'ESTABLISHED',
  'CLOSING',
  'CLOSING',
  'CLOSING',
  'CLOSING',
];

/**
 * Name of a kernel state. UDP uses only 1 (connected) and 7 (not connected, shown as `UNCONN`). SCTP numbers the states
 * of associations, which have a peer, in its own way, and those of endpoints as TCP does.
 * Unknown numbers are read as `CLOSE`: the socket is there, and that is what must not be lost.
 */
export function linuxSocketState(transport: DiagTransport, state: number, peer: boolean): SocketState {
  if (transport === 'udp') return state === 1 ? 'ESTABLISHED' : 'UNCONN';
  if (transport === 'sctp' && peer) return SCTP_STATES[state] ?? 'CLOSE';
  return TCP_STATES[state] ?? 'CLOSE';
}
