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
  const reader = new RegistryReader(knownMisuse);
  const parser = new SaxesParser({ xmlns: false });
  parser.on('error', (error) => {
    throw refuse(`it is not well-formed XML (${error.message.split('\n')[0]})`, error);
  });
  parser.on('opentag', (tag) => reader.open(tag.name, tag.attributes));
  parser.on('text', (chunk) => reader.text(chunk));
  parser.on('cdata', (chunk) => reader.text(chunk));
  parser.on('closetag', (tag) => reader.close(tag.name));
  parser.write(text).close();
  const { registry, date, numbered, rows } = reader;
  if (registry !== 'service-names-port-numbers') {
    throw refuse(
      `it is ${registry === '' ? 'an unnamed registry' : registry}, not service-names-port-numbers`,
    );
  }
  if (!isDate(date)) throw refuse('it does not say which edition it is (<updated>)');
  if (numbered < fewest)
    throw refuse(`it holds ${numbered} numbered records, and the registry has at least ${fewest}`);
  return { date, claims: registryClaims(rows), numbered };
}

/** Elements of a record whose text must be a value and nothing else. */
const PLAIN_FIELDS = new Set(['name', 'protocol', 'number']);

/** Longest service name: RFC 6335 s5.1 allows 15 characters, older entries have more. */
const NAME_LIMIT = 64;

/** Collects the records of a registry while its elements go by. */
class RegistryReader {
  registry = '';
  date = '';
  numbered = 0;
  readonly rows: RegistryRow[] = [];
  readonly #knownMisuse: ReadonlySet<number>;
  readonly #path: string[] = [];
  #fields: Fields | null = null;
  /** Text of the field that is open, elements within it included. */
  #buffer = '';

  constructor(knownMisuse: ReadonlySet<number>) {
    this.#knownMisuse = knownMisuse;
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    const parent = this.#path.at(-1);
    this.#path.push(name);
    if (this.#path.length === 1) this.registry = name === 'registry' ? (attributes['id'] ?? '') : `<${name}>`;
    if (name === 'record') {
      if (this.#fields !== null) throw refuse('it has a record within a record');
      this.#fields = { name: '', protocol: '', description: '', number: '', unauthorized: '', rfc: '' };
    } else if (parent !== undefined && PLAIN_FIELDS.has(parent) && this.#fields !== null) {
      throw refuse(`it has <${name.slice(0, 40)}> within <${parent}>`);
    }
    const { rfc } = this.#fields ?? { rfc: null };
    if (name === 'xref' && this.#fields !== null && rfc === '' && attributes['type'] === 'rfc') {
      this.#fields.rfc = /^rfc(\d+)$/i.exec(attributes['data'] ?? '')?.[1] ?? '';
    }
    // A line break within a description is a blank; any other element leaves the text around it as it is.
    if (this.#isField() || name === 'updated') this.#buffer = '';
    else if (name === 'br') this.#buffer += ' ';
  }

  text(chunk: string): void {
    this.#buffer += chunk;
  }

  close(name: string): void {
    const isField = this.#isField();
    this.#path.pop();
    if (name === 'updated' && this.#path.length === 1) this.date = this.#buffer.trim();
    else if (isField && this.#fields !== null && TEXT_FIELDS.has(name)) {
      this.#fields[name as keyof Fields] = this.#buffer.trim();
    } else if (name === 'record' && this.#fields !== null) {
      if (pushRecord(this.rows, this.#fields, this.#knownMisuse)) this.numbered++;
      this.#fields = null;
    }
  }

  /** True while the innermost open element is a direct child of a record. */
  #isField(): boolean {
    return this.#path.at(-2) === 'record';
  }
}

/** A day of the calendar, written YYYY-MM-DD. */
function isDate(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** Adds the rows of one record; true where it carries a port number. */
function pushRecord(rows: RegistryRow[], fields: Fields, knownMisuse: ReadonlySet<number>): boolean {
  if (fields.number === '') return false;
  const ports = readNumber(fields.number);
  const protocol = fields.protocol.toLowerCase();
  if (fields.name.length > NAME_LIMIT)
    throw refuse(`it holds a service name of ${fields.name.length} characters`);
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
