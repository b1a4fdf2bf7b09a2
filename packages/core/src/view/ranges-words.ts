// Lists of ports that a system hands out or keeps back, as a tool printed them, in words.
import { listed, type Message, say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';

/** Of which list ports are; null for what was not printed. */
export interface RangesOf {
  readonly list: 'excluded' | 'dynamic';
  readonly transport: 'tcp' | 'udp' | null;
  readonly family: 'ipv4' | 'ipv6' | null;
  readonly administered: boolean;
}

/** Most ranges of one list that are named; the JSON has all. */
const SHOWN = 6;

/** What becomes of these ports. */
export function rangesWords(
  { list, transport, family, administered }: RangesOf,
  ports: readonly PortRange[],
): Message {
  const lists = `${transport?.toUpperCase() ?? '?'}/${family === null ? '?' : family === 'ipv4' ? 'IPv4' : 'IPv6'}`;
  if (ports.length === 0) return say('read.ranges.none', { lists });
  const key = list === 'dynamic' ? 'dynamic' : administered ? 'administered' : 'excluded';
  const words = ports.map(([first, last]) => (first === last ? String(first) : `${first}–${last}`));
  return say(`read.ranges.${key}`, { lists, ports: listed(words, SHOWN) });
}
