// Files of environment variables (.env): which of them fix a port, and their values for those who use them.
import type { FixedPort } from '@portolan/core';
import { fill, type Setting, type Settings, sourceOf } from './interpolate.ts';
import { type Fault, fixedPort, type Parsed, type TextFile } from './text-file.ts';
import { addressOf, boundAddress, isThisHost, readPortNumber, urlsIn } from './values.ts';

/** One assignment: name, value with its quotes taken off, and where the value's text starts. */
interface Assignment {
  readonly name: string;
  readonly value: string;
  readonly at: number;
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(?:=|:\s)\s*/;

/** Reads assignments: `export`, single, double and back quotes (over several lines too), comments, CRLF. */
function assignmentsOf(file: TextFile): { assignments: Assignment[]; faults: Fault[] } {
  const assignments: Assignment[] = [];
  const faults: Fault[] = [];
  let resumeAt = 0;
  for (const { text, at } of file.lines()) {
    if (at < resumeAt || /^\s*(?:#|$)/.test(text)) continue;
    const match = ASSIGNMENT.exec(text);
    if (match === null) continue;
    const [head, name = ''] = match;
    const start = at + head.length;
    const quote = file.text[start] ?? '';
    if (head.length < text.length && (quote === '"' || quote === "'" || quote === '`')) {
      const end = closingQuote(file.text, start + 1, quote);
      if (end === -1) {
        faults.push({ kind: 'broken', line: file.lineAt(start), detail: `${quote} is not closed` });
        continue;
      }
      assignments.push({ name, value: file.text.slice(start + 1, end), at: start + 1 });
      resumeAt = end + 1;
    } else {
      const value = text
        .slice(head.length)
        .replace(/(?:^|\s)#.*$/, '')
        .trimEnd();
      assignments.push({ name, value, at: start });
    }
  }
  return { assignments, faults };
}

/** Longest quoted value that is looked for. */
const QUOTED_LIMIT = 65_536;

function closingQuote(text: string, from: number, quote: string): number {
  const end = Math.min(text.length, from + QUOTED_LIMIT);
  for (let at = from; at < end; at++) {
    if (text[at] === '\\' && quote === '"') at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

/** Values by name, each with its place; of a name set twice the last counts. */
export function settingsOf(file: TextFile): Settings {
  const settings = new Map<string, Setting>();
  for (const { name, value, at } of assignmentsOf(file).assignments) {
    settings.set(name, { value, place: file.place(at, value.length) });
  }
  return settings;
}

/** Names of ports: PORT, *_PORT, PORT_*, and the same in lower case. */
const PORT_NAME = /^(?:.*_)?PORT(?:_NUMBER)?$|^PORT_\w+$/i;

/** Names of addresses to listen on or to call. */
const ADDRESS_NAME = /(?:^|_)(?:ADDR|ADDRESS|LISTEN|BIND|HOST|ENDPOINT|SERVER)$/i;

/** Names that say that the program itself listens there. */
const OWN = /(?:^|_)(?:LISTEN|BIND)(?:_|$)/i;

const NOTHING_SET: Settings = new Map();

/** Ports that the file fixes on this host. */
export function readEnv(file: TextFile): Parsed {
  const { assignments, faults } = assignmentsOf(file);
  const values = new Map(assignments.map(({ name, value }) => [name.toUpperCase(), value]));
  const settings = settingsOf(file);
  const fixed: FixedPort[] = [];
  const add = (
    name: string,
    port: number,
    at: number,
    length: number,
    host: string,
    about: readonly string[],
  ): void => {
    const own = /^PORT$/i.test(name) || OWN.test(name);
    fixed.push(
      fixedPort(file, {
        origin: 'env',
        ports: [port, port],
        transport: /(?:^|_)UDP(?:_|$)/i.test(name) ? 'udp' : 'tcp',
        address: boundAddress(host),
        service: name,
        about,
        role: own ? 'binds' : 'names',
        place: file.place(at, length),
        mayBindLow: own ? false : null,
      }),
    );
  };
  for (const { name, value, at } of assignments) {
    const urls = urlsIn(value);
    for (const url of urls) {
      if (isThisHost(url.host)) add(name, url.port, at + url.at, url.length, url.host, [url.scheme ?? '']);
    }
    const filled = fill(value, value.includes('$') ? settings : NOTHING_SET);
    const bare = filled.text.trim();
    const lead = filled.text.length - filled.text.trimStart().length;
    const port = readPortNumber(bare);
    if (port !== null && PORT_NAME.test(name)) {
      const stem = name.toUpperCase().replace(/_?PORT(?:_NUMBER)?$/, '');
      // DB_PORT beside DB_HOST=db.example.org is a port of that host and not of this one.
      const host = ['HOST', 'HOSTNAME', 'SERVER', 'ADDR', 'ADDRESS']
        .map((word) => values.get(stem === '' ? word : `${stem}_${word}`))
        .find((other) => other !== undefined);
      const here = host === undefined || isThisHost(host.replace(/:\d+$/, '')) || /^PORT$/i.test(name);
      const source = sourceOf(filled, lead, bare.length);
      if (here) add(name, port, at + source.at, source.length, '', [stem]);
    } else if (urls.length === 0 && ADDRESS_NAME.test(name)) {
      const address = addressOf(bare);
      if (address !== null && isThisHost(address.host)) {
        add(name, address.port, at + lead + address.at, address.length, address.host, []);
      }
    }
  }
  return { fixed, faults };
}
