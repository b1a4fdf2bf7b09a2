// portolan.1, made from the commands' tables when the program is built: mdoc, as mandoc and groff read it (man mdoc(7)).
import type { CommandSpec } from '../command.ts';
import { loadTable, type Table } from '../completion/table.ts';
import type { Flag } from '../flags.ts';

/** The page; `version` and `date` are those of the build. */
export async function manualPage(version: string, date: Date): Promise<string> {
  const table = await loadTable();
  const day = date.toLocaleDateString('en-US', {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    timeZone: 'UTC',
  });
  const lines = [
    '.\\" Made from the tables of commands and flags; see CONTRIBUTING.md.',
    `.Dd ${day}`,
    '.Dt PORTOLAN 1',
    '.Os',
    ...head(table),
    '.Sh COMMANDS',
    '.Bl -tag -width Ds',
    ...[table.port, ...table.commands].flatMap(command),
    '.El',
    '.Sh OPTIONS',
    'Every command takes these.',
    '.Bl -tag -width Ds',
    ...table.shared.flatMap(option),
    '.El',
    ...TAIL,
    '.Sh HISTORY',
    `This page is of Portolan ${version}.`,
  ];
  return `${lines.join('\n')}\n`;
}

function head({ commands }: Table): string[] {
  return [
    '.Sh NAME',
    '.Nm portolan',
    '.Nd what every network port is for, who is on it, and what could take it',
    '.Sh SYNOPSIS',
    '.Nm',
    '.Op Ar options',
    '.Ar PORT',
    '.Nm',
    '.Op Ar options',
    ...commands.flatMap(({ usage }) => ['.Nm', `.Cm ${words(usage)}`]),
    '.Sh DESCRIPTION',
    '.Nm',
    'says what a port is said to carry, with sources; who holds it on this host,',
    'connections and closing sockets included; and what could take it.',
    'Without a word it lists everything that holds a port here.',
    '.Pp',
    'A',
    '.Ar PORT',
    'may be written 60163, 60163/udp, :3000, localhost:3000,',
    'http://localhost:5173/x, 3000\\-3010 or https.',
    'What could not be looked at is told as a gap, with the reason and the command',
    'that would show it; a port is called free only where no gap could hide a holder.',
    'Nothing is changed before it was shown:',
    '.Cm kill',
    'asks, and',
    '.Cm reserve',
    'waits for',
    '.Fl Fl apply .',
  ];
}

function command({ usage, summary, flags, examples, exits }: CommandSpec): string[] {
  return [
    `.It Cm ${words(usage)}`,
    ...sentence(summary),
    ...(flags.length === 0 ? [] : ['.Bl -tag -width Ds', ...flags.flatMap(option), '.El']),
    '.Pp',
    ...sentence(`Exit status: ${exits}`),
    '.Bd -literal',
    ...examples.flatMap(([call, what]) => [`$ ${literal(call)}`, `    ${literal(what)}`]),
    '.Ed',
  ];
}

function option({ name, short, value, summary, optional, oneOf }: Flag): string[] {
  const long = `Fl Fl ${words(name)}`;
  const letters = short === undefined ? long : `Fl ${short} , ${long}`;
  const ar = value === null ? '' : optional === true ? ` Op Ar ${words(value)}` : ` Ar ${words(value)}`;
  // A summary may begin with a word that is typed as it stands.
  return [`.It ${letters}${ar}`, ...sentence(summary, !(oneOf ?? []).includes(summary.split(' ')[0] ?? ''))];
}

const TAIL: readonly string[] = [
  '.Sh ENVIRONMENT',
  '.Bl -tag -width Ds',
  '.It Ev COLUMNS',
  'Width of the answer where standard output is no terminal.',
  '.It Ev NO_COLOR',
  'Where it is set and not empty, nothing is coloured.',
  '.It Ev PORTOLAN_DATA_DIR',
  'Folder for a fetched registry.',
  '.It Ev PORTOLAN_LEASE_DIR',
  'Folder for leases; all who share them must name the same.',
  '.El',
  '.Sh EXIT STATUS',
  '2 for wrong usage, 3 where it could not be looked, 70 for a fault of',
  '.Nm ;',
  'all else stands with each command.',
  'A reader that closes the pipe is no failure.',
  '.Sh SEE ALSO',
  '.Xr services 5 ,',
  '.Xr ip 7 ,',
  '.Xr lsof 8 ,',
  '.Xr ss 8',
  '.Pp',
  'RFC 6335, RFC 6056, RFC 7605.',
];

/** Text on lines of its own: a new sentence a new line, as mdoc wants it, with a full stop at the end. */
function sentence(text: string, begins = true): string[] {
  const first = text[0] ?? '';
  const whole = `${begins ? first.toUpperCase() : first}${text.slice(1)}${text.endsWith('…') ? '' : '.'}`;
  return whole.split(/(?<=[a-z)]\.) (?=[A-Z])/).flatMap(wrapped);
}

/** Broken where a line of the source is to end; roff fills them again. */
function wrapped(text: string): string[] {
  return (text.match(/\S.{0,63}(?=\s|$)|\S+/g) ?? []).map(literal);
}

/** What would be a request, an escape or another character in roff. */
function literal(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('“', '\\(lq')
    .replaceAll('”', '\\(rq')
    .replaceAll('…', '\\&...')
    .replaceAll('–', '\\(en')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll('`', '\\(ga')
    .replace(/^(?=[.'])/, '\\&');
}

/** Words on a macro's line: none of them is taken for a macro or a delimiter. */
function words(text: string): string {
  return text
    .split(' ')
    .map((word) => `\\&${literal(word)}`)
    .join(' ');
}
