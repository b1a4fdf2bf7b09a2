// `portolan complete -- WORDS`, which completion scripts call at each TAB: what could stand where the cursor is, as far as it
// is no matter of tables. One candidate a line, its description after a tab. Whatever goes wrong, it says nothing.
import {
  claimName,
  isWide,
  narrowestFirst,
  type PortInUse,
  type PortRange,
  printable,
  sharesTransport,
} from '@portolan/core';
import { dataDirectory } from '@portolan/facts/data-dir';
import type { CommandSpec } from '../command.ts';
import { COMMANDS, PORT_COMMAND } from '../commands.ts';
import { GLOBAL_FLAGS } from '../flags.ts';
import { leaseFolder } from '../leases/folder.ts';
import { projectOf, trustedIn } from '../leases/project.ts';
import { LeaseStore } from '../leases/store.ts';
import type { Start } from '../main.ts';
import { soughtIn } from './position.ts';

/**
 * Milliseconds of this process's own time, counted from when it begins to look, after which no more is looked up: what is
 * known by then is the answer. On a machine that has nothing else to do they are milliseconds of the clock; on one
 * that is too busy, an answer that is late beats one that never comes.
 */
const TIME_LIMIT = 40;
/** Candidates at most; a longer list is read by nobody. */
const MOST = 200;
/** Described are the first so many: each description is a look into the facts. */
const DESCRIBED = 60;
/** What a port is said to carry is told by so many names. */
const NAMED = 2;
const PORTS: PortRange = [0, 65_535];

/** A word that can stand there, and what it is. */
interface Candidate {
  readonly word: string;
  readonly what: string;
}

/** Writes the candidates; always successful. */
export async function complete(words: readonly string[], start: Start): Promise<number> {
  try {
    const found = await candidates(words, start);
    // A line a candidate: what would break one is no word that could be typed.
    const lines = found
      .slice(0, MOST)
      .map(({ word, what }) => (what === '' ? printable(word) : `${printable(word)}\t${printable(what)}`));
    start.io.out(lines.map((text) => `${text}\n`).join(''));
  } catch {
    // A shell that shows a message in the middle of a command line helps nobody.
  }
  return 0;
}

async function candidates(words: readonly string[], start: Start): Promise<Candidate[]> {
  const list = await COMMANDS['list']?.spec();
  const specOf = async (name: string): Promise<CommandSpec | null> =>
    name !== PORT_COMMAND && Object.hasOwn(COMMANDS, name) ? ((await COMMANDS[name]?.spec()) ?? null) : null;
  const sought = await soughtIn(words, [...GLOBAL_FLAGS, ...(list?.flags ?? [])], specOf);
  if (sought === null) return [];
  const { takes, word } = sought;
  if (takes === 'words') return await serviceNames(word, start);
  if (takes === 'leases') return leaseNames(word, start);
  if (takes === 'profiles') return await profileNames(word, start);
  if (takes !== 'ports' && takes !== 'served') return [];
  // What is written may be a command's beginning: thousands of names beside it would hide it.
  const isCommand = (name: string): boolean => word !== '' && name.startsWith(word);
  if (words.length === 1 && Object.keys(COMMANDS).some(isCommand)) return [];
  return await portWords(word, takes === 'served', start);
}

/** Tells whether the time is over. */
function timer(): () => boolean {
  const begun = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(begun);
    return user + system > TIME_LIMIT * 1000;
  };
}

/** `30`, `:30`, `localhost:30`, `http://localhost:30`, `3000,30`: what stands before the number stays before it. */
async function portWords(word: string, serving: boolean, start: Start): Promise<Candidate[]> {
  const [, before = '', digits, transport] = /^(.*[:,])?(\d*)(\/[a-z]*)?$/s.exec(word) ?? [];
  if (digits === undefined) return /^[a-z]/i.test(word) ? await serviceNames(word, start) : [];
  if (transport !== undefined) {
    if (digits === '') return [];
    return ['/tcp', '/udp']
      .filter((end) => end.startsWith(transport))
      .map((end) => ({ word: `${before}${digits}${end}`, what: '' }));
  }
  const { portsInUse } = await import('@portolan/probe');
  const isLate = timer();
  // Connections come and go by thousands: they are named to those who have begun to write the number.
  const found = await portsInUse({
    ports: digits === '' ? [PORTS] : rangesOf(digits),
    serving: serving || digits.length < 2,
    ffi: true,
    isLate,
  });
  const matching = found.filter(({ port }) => String(port).startsWith(digits));
  const words = await described(matching, start, isLate);
  return words.map(({ word: port, what }) => ({ word: `${before}${port}`, what }));
}

/** Runs of ports whose numbers begin with these digits. */
function rangesOf(digits: string): PortRange[] {
  if (digits.startsWith('0')) return digits === '0' ? [[0, 0]] : [];
  const ranges: PortRange[] = [];
  for (let first = Number(digits), last = first; first <= PORTS[1]; first *= 10, last = last * 10 + 9)
    ranges.push([first, Math.min(last, PORTS[1])]);
  return ranges;
}

/** Each port once, with its transports and what it is said to carry. */
async function described(
  found: readonly PortInUse[],
  start: Start,
  isLate: () => boolean,
): Promise<Candidate[]> {
  const transports = new Map<number, Set<PortInUse['transport']>>();
  for (const { port, transport } of found)
    transports.set(port, (transports.get(port) ?? new Set()).add(transport));
  const ports = [...transports].slice(0, MOST);
  const facts = isLate() ? null : await openFacts(start);
  try {
    return ports.map(([port, kinds], place) => {
      const known = [...kinds].toSorted();
      const claims = facts === null || place >= DESCRIBED || isLate() ? [] : facts.claimsFor(port).claims;
      const narrow = narrowestFirst(claims).filter(
        (claim) => !isWide(claim) && sharesTransport(claim.transports, known),
      );
      const names = [...new Set(narrow.map(claimName))].slice(0, NAMED);
      return { word: String(port), what: [known.join(', '), ...names].join(' · ') };
    });
  } finally {
    facts?.close();
  }
}

async function openFacts({ io, shippedFacts }: Start) {
  const facts = await import('@portolan/facts');
  return facts.openFacts({ shipped: shippedFacts, dataDir: dataDirectory(io.env), whole: false });
}

/** Names that begin so; there are thousands, and none is told before the first letter. */
async function serviceNames(word: string, start: Start): Promise<Candidate[]> {
  if (word === '') return [];
  const facts = await openFacts(start);
  const isLate = timer();
  try {
    const small = word.toLowerCase();
    const names = facts.names().filter((name) => name.startsWith(small) && !/\s/.test(name));
    return names
      .toSorted()
      .slice(0, MOST)
      .map((name, place) => {
        const ports = place >= DESCRIBED || isLate() ? null : facts.portsOfName(name);
        return { word: name, what: ports?.slice(0, 3).join(', ') ?? '' };
      });
  } finally {
    facts.close();
  }
}

/** Leases of the project around this folder; what other users wrote for it is no word for this one's command line. */
function leaseNames(word: string, { io }: Start): Candidate[] {
  const uid = process.geteuid?.();
  const project = projectOf(process.cwd(), uid);
  const trusted = trustedIn(project, uid);
  const locked = (): never => {
    throw new Error('completions change no leases');
  };
  const { leases } = new LeaseStore(leaseFolder(io.env, uid), locked).list();
  return leases
    .filter(
      ({ project: folder, name, uid: writer }) =>
        folder === project.folder && trusted.includes(writer) && name?.startsWith(word) === true,
    )
    .map(({ name, port, transport }) => ({ word: name ?? '', what: `${port}/${transport ?? 'tcp'}` }))
    .toSorted((a, b) => (a.word < b.word ? -1 : 1));
}

async function profileNames(word: string, { shippedFacts }: Start): Promise<Candidate[]> {
  const { shippedProfiles } = await import('@portolan/facts');
  return shippedProfiles(shippedFacts)
    .filter(({ name }) => name.startsWith(word))
    .map(({ name, title }) => ({ word: name, what: title }));
}
