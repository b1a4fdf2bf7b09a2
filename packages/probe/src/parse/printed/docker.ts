// `docker ps` and `podman ps`: the PORTS column of the table, JSON of the client, JSON of the API.
import type { Container, Transport } from '@portolan/core';
import { familyOf, portNumber } from './endpoint.ts';
import { type JsonShape, type JsonUnit, listOf, numberOf, objectOf, textOf } from './json-unit.ts';
import type { Out, Recogniser } from './row.ts';

/** `0.0.0.0:8080->80/tcp`, `:::8080->80/tcp`, `[::]:8080-8090->80-90/tcp`, `80/tcp` (not published). */
const PORTS = /^(?:\[?([\da-f:.*]*?)\]?:)?(\d+)(?:-(\d+))?->(\d+)(?:-(\d+))?\/(tcp|udp|sctp)$/i;

interface Publication {
  readonly host: string;
  readonly port: number;
  readonly inner: number;
  readonly transport: string;
}

function publish(
  { host, port, inner, transport }: Publication,
  container: Container,
  out: Out,
  unit: JsonUnit,
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
    unit.first,
    unit.last,
  );
  return true;
}

/** Reads the text of a PORTS column. */
function portsText(text: string, container: Container, out: Out, unit: JsonUnit): void {
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
        out.unknown(unit.first, entry, digits === undefined ? 'cut' : 'port');
      continue;
    }
    for (let port = first; port <= last; port++) {
      const known = publish(
        { host, port, inner: inner + port - first, transport: transport.toLowerCase() },
        container,
        out,
        unit,
      );
      if (!known) {
        out.unknown(unit.first, entry, 'port');
        break;
      }
    }
  }
}

export const dockerTable: Recogniser = {
  format: 'docker-table',
  heading: /^CONTAINER ID\s+IMAGE\s.*\bPORTS\b/,
  row: null,
  open(out) {
    let columns: { readonly name: string; readonly at: number; readonly end: number }[] = [];
    return {
      line(text, number) {
        if (dockerTable.heading?.test(text) === true) {
          const names = [...text.matchAll(/\S+(?: \S+)*/g)];
          columns = names.map((match, nth) => ({
            name: match[0],
            at: match.index,
            end: names[nth + 1]?.index ?? text.length + 300,
          }));
          return true;
        }
        if (!/^[\da-f]{8,64}\s/.test(text)) return false;
        const cell = (name: string): string => {
          const column = columns.find((each) => each.name === name);
          return column === undefined ? '' : text.slice(column.at, column.end).trim();
        };
        const container = {
          runtime: 'docker',
          id: cell('CONTAINER ID'),
          name: cell('NAMES').split(',')[0] || null,
        };
        portsText(cell('PORTS'), container, out, { first: number, last: number, text });
        return true;
      },
    };
  },
};

export const dockerJson: JsonShape = {
  format: 'docker-json',
  is: (value) =>
    'Ports' in value &&
    ('Names' in value || 'Name' in value) &&
    ('Id' in value || 'ID' in value || 'Image' in value),
  read(value, out, unit) {
    const names = value['Names'] ?? value['Name'];
    const name = (typeof names === 'string' ? names.split(',')[0] : textOf(listOf(names)[0])) ?? '';
    const id = textOf(value['Id']) ?? textOf(value['ID']) ?? '';
    const ports = value['Ports'];
    const podman = listOf(ports).some((entry) => 'host_port' in objectOf(entry)) || 'PodName' in value;
    const container = { runtime: podman ? 'podman' : 'docker', id, name: name.replace(/^\//, '') || null };
    if (typeof ports === 'string') portsText(ports, container, out, unit);
    for (const entry of listOf(ports).map(objectOf)) {
      const port = numberOf(entry['PublicPort'] ?? entry['host_port'] ?? entry['PublishedPort']);
      const inner = numberOf(entry['PrivatePort'] ?? entry['container_port'] ?? entry['TargetPort']);
      // Exposed and not published.
      if (port === null || port === 0 || inner === null) continue;
      const host = textOf(entry['IP'] ?? entry['host_ip'] ?? entry['URL']) ?? '';
      const transport = (
        textOf(entry['Type'] ?? entry['protocol'] ?? entry['Protocol']) ?? 'tcp'
      ).toLowerCase();
      const count = Math.min(numberOf(entry['range']) ?? 1, 65_536);
      for (let nth = 0; nth < Math.max(count, 1); nth++) {
        if (!publish({ host, port: port + nth, inner: inner + nth, transport }, container, out, unit)) {
          out.unknown(unit.first, JSON.stringify(entry), 'port');
          break;
        }
      }
    }
    return true;
  },
};
