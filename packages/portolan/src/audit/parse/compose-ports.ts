// The short form of published ports, `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`, as Compose and Docker write it.

import type { PortRange, Transport } from '@portolan/core';
import { isThisHost, readPortRange, readTransport, type Spot } from './values.ts';

/** A published port; spots are within the text. */
export interface Published {
  /** Null where the engine chooses a port of this host. */
  readonly host: (Spot & { readonly ports: PortRange }) | null;
  readonly container: Spot & { readonly ports: PortRange };
  readonly address: string | null;
  readonly transport: Transport;
}

const SHORT =
  /^(?:(?:(\[[0-9a-f:.%\w]+\]|[^:[\]]*|[0-9a-f:]*:[0-9a-f:]*):)?(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:\/(\w+))?$/i;

/** Longest text that is looked at: two addresses, two ranges and a protocol have far less. */
const LENGTH_LIMIT = 200;

/** Reads the short form; null for what is none. */
export function readPublished(text: string): Published | null {
  const match = text.length > LENGTH_LIMIT ? null : SHORT.exec(text);
  if (match === null) return null;
  const [, address, host, inner = '', protocol] = match;
  const container = readPortRange(inner);
  const transport = readTransport(protocol ?? null);
  if (container === null || transport === null) return null;
  if (address !== undefined && !isAddress(address)) return null;
  const tail = protocol === undefined ? 0 : protocol.length + 1;
  const containerAt = text.length - tail - inner.length;
  const ports = host === undefined ? null : readPortRange(host);
  if (host !== undefined && ports === null) return null;
  // Several ports inside need as many outside; one inside may have a choice of several.
  if (
    ports !== null &&
    container[0] !== container[1] &&
    ports[1] - ports[0] !== container[1] - container[0]
  ) {
    return null;
  }
  return {
    host:
      ports === null ? null : { ports, at: containerAt - 1 - (host?.length ?? 0), length: host?.length ?? 0 },
    container: { ports: container, at: containerAt, length: inner.length },
    address: address ?? null,
    transport,
  };
}

function isAddress(text: string): boolean {
  return isThisHost(text) || /^\d{1,3}(?:\.\d{1,3}){3}$|^\[?[0-9a-f:.]+(?:%\w+)?\]?$/i.test(text);
}
