// Port numbers, transports and the three IANA ranges: the nouns everything else is said with.

/** Transport protocols that have port numbers (RFC 6335 s1: TCP, UDP, SCTP, DCCP). */
export type Transport = 'tcp' | 'udp' | 'sctp' | 'dccp';

/** All transports, in the order they are shown. */
export const TRANSPORTS: readonly Transport[] = ['tcp', 'udp', 'sctp', 'dccp'];

/** Lowest and highest port number: the field is 16 bits wide (RFC 9293 s3.1, RFC 768). */
export const PORT_MIN = 0;
export const PORT_MAX = 65_535;

/** An inclusive run of port numbers, `first <= last`, both within 0–65535. */
export type PortRange = readonly [first: number, last: number];

/** True for an integer within 0–65535. */
export function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= PORT_MIN && value <= PORT_MAX;
}

/** True where the word names a transport, in lower case. */
export function isTransport(word: string): word is Transport {
  return (TRANSPORTS as readonly string[]).includes(word);
}

/** True where `port` lies in the inclusive `range`. */
export function inRange(port: number, range: PortRange): boolean {
  return port >= range[0] && port <= range[1];
}

/** How many ports an inclusive range covers; at least 1. */
export function rangeSize(range: PortRange): number {
  return range[1] - range[0] + 1;
}

/** Name of an IANA range (RFC 6335 s6): System, User or Dynamic Ports. */
export type IanaRangeName = 'system' | 'user' | 'dynamic';

/** One of the three ranges of RFC 6335 s6. `assignable`: IANA may assign numbers in it. */
export interface IanaRange {
  readonly name: IanaRangeName;
  readonly first: number;
  readonly last: number;
  readonly assignable: boolean;
}

/** System, User and Dynamic Ports in ascending order (RFC 6335 s6). */
export const IANA_RANGES: readonly IanaRange[] = [
  { name: 'system', first: 0, last: 1023, assignable: true },
  { name: 'user', first: 1024, last: 49_151, assignable: true },
  { name: 'dynamic', first: 49_152, last: 65_535, assignable: false },
];

/** The IANA range that holds `port` (0–65535). */
export function ianaRangeOf(port: number): IanaRange {
  const found = IANA_RANGES.find((range) => port >= range.first && port <= range.last);
  if (found === undefined) throw new RangeError(`not a port number: ${port}`);
  return found;
}
