// Addresses as text to the bytes that bind(2) takes: struct sockaddr_in and sockaddr_in6 (man ip(7), ipv6(7)).

const AF_INET = 2;
const AF_INET6 = 10;

/** Four bytes of a dotted quad of plain decimals; null where it is none. */
function ipv4Bytes(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte < 256) ? bytes : null;
}

/** Sixteen bytes of an IPv6 address without zone (RFC 4291 s2.2); null where it is none. */
function ipv6Bytes(text: string): number[] | null {
  let groups = text;
  const dot = groups.indexOf('.');
  if (dot >= 0) {
    const colon = groups.lastIndexOf(':');
    const last = ipv4Bytes(groups.slice(colon + 1));
    if (last === null) return null;
    const [a = 0, b = 0, c = 0, d = 0] = last;
    groups = `${groups.slice(0, colon + 1)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = groups.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const given = [...(head ?? []), ...(tail ?? [])];
  if (given.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return null;
  const missing = 8 - given.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const all = [
    ...(head ?? []),
    ...Array.from({ length: tail === undefined ? 0 : missing }, () => '0'),
    ...(tail ?? []),
  ];
  return all.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** The socket address, or null where the text is no address of the family. Integers are in the machine's order. */
export function encodeSockaddr(
  family: 'ipv4' | 'ipv6',
  address: string,
  port: number,
  scope: number,
  byteOrder: 'LE' | 'BE' = 'LE',
): Uint8Array | null {
  const bytes = family === 'ipv4' ? ipv4Bytes(address) : ipv6Bytes(address);
  if (bytes === null) return null;
  const out = new Uint8Array(new ArrayBuffer(family === 'ipv4' ? 16 : 28));
  const view = new DataView(out.buffer);
  view.setUint16(0, family === 'ipv4' ? AF_INET : AF_INET6, byteOrder === 'LE');
  view.setUint16(2, port);
  out.set(bytes, family === 'ipv4' ? 4 : 8);
  if (family === 'ipv6') view.setUint32(24, scope, byteOrder === 'LE');
  return out;
}
