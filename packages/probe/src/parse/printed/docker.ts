// `docker ps` and `podman ps`: what both its table and its JSON tell, the PORTS column.
import type { Container, Transport } from '@portolan/core';
import { familyOf, portNumber } from './endpoint.ts';
import type { Out } from './row.ts';

/** `0.0.0.0:8080->80/tcp`, `:::8080->80/tcp`, `[::]:8080-8090->80-90/tcp`, `80/tcp` (not published). */
const PORTS = /^(?:\[?([\da-f:.*]*?)\]?:)?(\d+)(?:-(\d+))?->(\d+)(?:-(\d+))?\/(tcp|udp|sctp)$/i;

/** Lines that tell it. */
export interface Place {
  readonly first: number;
  readonly last: number;
}

/** A port of the host, and the container's port that it stands for. */
export interface Publication {
  readonly host: string;
  readonly port: number;
  readonly inner: number;
  readonly transport: string;
}

/** Puts a published port out; false where it is none. */
export function publish(
  { host, port, inner, transport }: Publication,
  container: Container,
  out: Out,
  place: Place,
): boolean {
  if (
    !/^(?:tcp|udp|sctp)$/.test(transport) ||
    portNumber(String(port)) === null ||
    portNumber(String(inner)) === null
  )
    return false;
  const address = host === '' || host === '*' ? '0.0.0.0' : host.toLowerCase();
  out.socket(
    {
      transport: transport as Transport,
      family: familyOf(address) ?? 'ipv4',
      local: { address, port },
      peer: null,
      state: transport === 'udp' ? 'UNCONN' : 'LISTEN',
      // The engine's [::] is for IPv6 alone: it has another one for 0.0.0.0.
      ipv6Only: address === '::' ? true : null,
      publishes: { container, port: inner },
    },
    place.first,
    place.last,
  );
  return true;
}

/** Reads the text of a PORTS column. */
export function portsText(text: string, container: Container, out: Out, place: Place): void {
  for (const entry of text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')) {
    const [, host = '', digits, end, innerDigits, , transport = ''] = PORTS.exec(entry) ?? [];
    const first = digits === undefined ? null : portNumber(digits);
    const last = end === undefined ? first : portNumber(end);
    const inner = innerDigits === undefined ? null : portNumber(innerDigits);
    if (first === null || last === null || inner === null) {
      // What a container merely exposes holds nothing here.
      if (!/^\d{1,5}(?:-\d{1,5})?\/(?:tcp|udp|sctp)$/.test(entry))
        out.unknown(place.first, entry, digits === undefined ? 'cut' : 'port');
      continue;
    }
    for (let port = first; port <= last; port++) {
      const known = publish(
        { host, port, inner: inner + port - first, transport: transport.toLowerCase() },
        container,
        out,
        place,
      );
      if (!known) {
        out.unknown(place.first, entry, 'port');
        break;
      }
    }
  }
}
