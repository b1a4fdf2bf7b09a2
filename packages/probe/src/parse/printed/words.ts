// Words for socket states, as tools spell them.
import type { SocketState } from '@portolan/core';

/** Spellings without case and separators; `ESTABLISHED`, `ESTAB`, `Established` are one state. */
const STATES: Readonly<Record<string, SocketState>> = {
  LISTEN: 'LISTEN',
  LISTENING: 'LISTEN',
  ESTAB: 'ESTABLISHED',
  ESTABLISHED: 'ESTABLISHED',
  SYNSENT: 'SYN_SENT',
  SYNRECV: 'SYN_RECV',
  SYNRCVD: 'SYN_RECV',
  SYNRECEIVED: 'SYN_RECV',
  NEWSYNRECV: 'NEW_SYN_RECV',
  FINWAIT1: 'FIN_WAIT1',
  FINWAIT2: 'FIN_WAIT2',
  TIMEWAIT: 'TIME_WAIT',
  CLOSE: 'CLOSE',
  CLOSED: 'CLOSE',
  DELETETCB: 'CLOSE',
  CLOSEWAIT: 'CLOSE_WAIT',
  LASTACK: 'LAST_ACK',
  CLOSING: 'CLOSING',
  UNCONN: 'UNCONN',
  BOUND: 'BOUND',
  BOUNDINACTIVE: 'BOUND',
  // German Windows, and net-tools. Words of other languages are understood by the rest of their row.
  ABHÖREN: 'LISTEN',
  HERGESTELLT: 'ESTABLISHED',
  VERBUNDEN: 'ESTABLISHED',
  WARTEND: 'TIME_WAIT',
  SCHLIESSENWARTEN: 'CLOSE_WAIT',
  SYNGESENDET: 'SYN_SENT',
};

/** The state a word stands for; null for a word that is none, or of a language that is not known. */
export function stateOf(word: string): SocketState | null {
  const plain = word.toUpperCase().replace(/[-_ ]/g, '');
  return Object.hasOwn(STATES, plain) ? (STATES[plain] ?? null) : null;
}
