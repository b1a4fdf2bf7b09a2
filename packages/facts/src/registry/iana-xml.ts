// IANA's registry XML to claims. Strict: whatever is not the registry as we know it is refused with the reason.
import {
  type Claim,
  isPort,
  isTransport,
  PortolanError,
  type PortRange,
  type Transport,
} from '@portolan/core';
import { SaxesParser } from 'saxes';
import { portsNamed } from './npm.ts';
import { type RegistryRow, registryClaims } from './rows.ts';

/** Id of the source that claims from the XML name. */
export const XML_SOURCE = 'iana-registry';

/** What was read. */
export interface IanaEdition {
  /** Date in the file's own `updated` element, YYYY-MM-DD. */
  readonly date: string;
  readonly claims: readonly Claim[];
  /** Records that carry a port number. */
  readonly numbered: number;
}

/** Fewer numbered records than this are not the whole registry (13,420 in the edition of 2025-02-25). */
const FEWEST_RECORDS = 10_000;

interface Fields {
  name: string;
  protocol: string;
  description: string;
  number: string;
  unauthorized: string;
  rfc: string;
}

const TEXT_FIELDS = new Set(['name', 'protocol', 'description', 'number', 'unauthorized']);

/**
 * Parses the registry. Throws FACTS_UPDATE where the text is not well-formed XML, is cut short, is another
 * registry, or says what the registry cannot say. `knownMisuse`: ports whose unauthorised use is told elsewhere.
 * `fewest` is for tests that write small registries.
 */
export function parseIanaXml(
  text: string,
  knownMisuse: ReadonlySet<number>,
  fewest: number = FEWEST_RECORDS,
): IanaEdition {
  const rows: RegistryRow[] = [];
  const path: string[] = [];
  let registry = '';
  let date = '';
  let numbered = 0;
  let fields: Fields | null = null;
  let buffer = '';
  const parser = new SaxesParser({ xmlns: false });
  parser.on('error', (error) => {
    throw refuse(`it is not well-formed XML (${error.message.split('\n')[0]})`, error);
  });
  parser.on('opentag', (tag) => {
    path.push(tag.name);
    buffer = '';
    if (path.length === 1)
      registry = tag.name === 'registry' ? (tag.attributes['id'] ?? '') : `<${tag.name}>`;
    if (tag.name === 'record') {
      fields = { name: '', protocol: '', description: '', number: '', unauthorized: '', rfc: '' };
    }
    if (tag.name === 'xref' && fields !== null && tag.attributes['type'] === 'rfc' && fields.rfc === '') {
      fields.rfc = /^rfc(\d+)$/i.exec(tag.attributes['data'] ?? '')?.[1] ?? '';
    }
  });
  parser.on('text', (chunk) => {
    buffer += chunk;
  });
  parser.on('cdata', (chunk) => {
    buffer += chunk;
  });
  parser.on('closetag', (tag) => {
    path.pop();
    if (tag.name === 'updated' && path.length === 1) date = buffer.trim();
    else if (fields !== null && path.at(-1) === 'record' && TEXT_FIELDS.has(tag.name)) {
      fields[tag.name as keyof Fields] = buffer.trim();
    } else if (tag.name === 'record' && fields !== null) {
      if (pushRecord(rows, fields, knownMisuse)) numbered++;
      fields = null;
    }
    buffer = '';
  });
  parser.write(text).close();

  if (registry !== 'service-names-port-numbers') {
    throw refuse(
      `it is ${registry === '' ? 'an unnamed registry' : registry}, not service-names-port-numbers`,
    );
  }
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw refuse('it does not say which edition it is (<updated>)');
  if (numbered < fewest)
    throw refuse(`it holds ${numbered} numbered records, and the registry has at least ${fewest}`);
  return { date, claims: registryClaims(rows), numbered };
}

/** Adds the rows of one record; true where it carries a port number. */
function pushRecord(rows: RegistryRow[], fields: Fields, knownMisuse: ReadonlySet<number>): boolean {
  if (fields.number === '') return false;
  const ports = readNumber(fields.number);
  const protocol = fields.protocol.toLowerCase();
  if (protocol !== '' && !isTransport(protocol))
    throw refuse(`it names the transport “${protocol.slice(0, 40)}”`);
  const transports: Transport[] = protocol === '' ? [] : [protocol];
  if (ports[1] > 49_151 && fields.name !== '') {
    throw refuse(
      `it assigns ${fields.number} to ${fields.name.slice(0, 40)}, and 49152–65535 is never assigned (RFC 6335 s6)`,
    );
  }
  const common = { ports, transports, source: XML_SOURCE, misuse: null };
  if (fields.name !== '') {
    const description = fields.rfc === '' ? fields.description : `${fields.description} (RFC ${fields.rfc})`;
    rows.push({ ...common, name: fields.name, description });
  } else if (/^reserved/i.test(fields.description)) {
    rows.push({ ...common, name: null, description: fields.description });
  }
  if (fields.unauthorized !== '') {
    for (const part of portsNamed(fields.unauthorized, ports)) {
      if (knownMisuse.has(part[0])) continue;
      rows.push({
        ...common,
        ports: part,
        name: fields.name || null,
        description: '',
        misuse: fields.unauthorized,
      });
    }
  }
  return true;
}

function readNumber(text: string): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || !isPort(first) || !isPort(last) || first > last) {
    throw refuse(`it holds the port number “${text.slice(0, 40)}”`);
  }
  return [first, last];
}

function refuse(why: string, cause?: unknown): PortolanError {
  return new PortolanError('FACTS_UPDATE', `The registry file was refused: ${why}.`, {
    hint: 'Nothing was changed. The file is https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.xml',
    cause,
  });
}
