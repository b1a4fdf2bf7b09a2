// Lines of the kernel's trace of sock:inet_sock_set_state (Documentation/trace/events.rst) to changes of state.

/** A TCP socket went from one state to another, in whichever network namespace. */
export interface TraceChange {
  readonly kind: 'state';
  /** Microseconds on the trace's clock. */
  readonly at: number;
  /** Thread in which it happened, in the kernel's first pid namespace; chosen by nobody but the kernel. */
  readonly thread: number;
  readonly family: 'ipv4' | 'ipv6';
  /** Local port; 0 where listen(2) itself is to choose one. */
  readonly port: number;
  readonly address: string;
  /** State names without their `TCP_`, as `LISTEN`. */
  readonly from: string;
  readonly to: string;
}

/** What a line says. `lost`: so many events did not fit into the kernel's buffer. */
export type TraceLine = TraceChange | { readonly kind: 'lost'; readonly count: number };

/**
 * From the thread's number to the end of the line. What stands before it is the name the process gave itself: up to
 * 15 bytes, blanks, newlines and anything else among them, and too few to hold a piece that this could take for its
 * own. So it is anchored at the end and what comes before is not looked at.
 */
const NAME =
  '(?:TCP_)?(ESTABLISHED|SYN_SENT|SYN_RECV|FIN_WAIT1|FIN_WAIT2|TIME_WAIT|CLOSE|CLOSE_WAIT|LAST_ACK|LISTEN|CLOSING|NEW_SYN_RECV)';
const STATE = new RegExp(
  [
    String.raw`-(\d{1,10}) +(?:\([ \d-]{1,12}\) +)?\[\d{3,5}\] +(?:[^ ]{1,8} +)?(\d{1,12})\.(\d{6}): inet_sock_set_state:`,
    String.raw`family=(AF_INET6?) protocol=IPPROTO_TCP sport=(\d{1,5}) dport=\d{1,5}`,
    String.raw`saddr=([\d.]{7,15}) daddr=[\d.]{7,15} saddrv6=([\da-f:.]{2,45}) daddrv6=[\da-f:.]{2,45}`,
    `oldstate=${NAME} newstate=${NAME}$`,
  ].join(' '),
);
const LOST = /^CPU:\d{1,5} \[LOST (\d{1,15}) EVENTS\]$/;

/** Longest line that is read; the kernel's own are shorter than 400 bytes. */
const LINE_LIMIT = 4096;

/** Reads one line; null for a line that says nothing to us. */
export function parseTraceLine(line: string): TraceLine | null {
  if (line.length > LINE_LIMIT) return null;
  const lost = LOST.exec(line);
  if (lost !== null) return { kind: 'lost', count: Number(lost[1]) };
  const match = STATE.exec(line);
  if (match === null) return null;
  const [, thread, seconds, micros, family, port, v4 = '', v6 = '', from = '', to = ''] = match;
  const number = Number(port);
  if (number > 65_535) return null;
  return {
    kind: 'state',
    at: Number(seconds) * 1_000_000 + Number(micros),
    thread: Number(thread),
    family: family === 'AF_INET' ? 'ipv4' : 'ipv6',
    port: number,
    address: family === 'AF_INET' ? v4 : v6,
    from,
    to,
  };
}

/** Puts the pieces that reads give together to lines. */
export class TraceLines {
  #rest = '';

  /** The lines that are whole now. A piece that never ends in a line is let go. */
  push(text: string): string[] {
    const lines = (this.#rest + text).split('\n');
    const rest = lines.pop() ?? '';
    this.#rest = rest.length > LINE_LIMIT ? '' : rest;
    return lines;
  }
}
