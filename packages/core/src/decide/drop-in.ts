// The text of Portolan's drop-in for sysctl.d(5): its own block, what it remembers in comment lines, and whatever else
// stands in the file, which is kept to the byte.
import type { PortRange } from '../model/port.ts';
import { type AddedPorts, type BootSetting, type DropInBlock, RESERVED_KEY } from '../model/reserve.ts';
import { formatRanges, joinRanges, parseRanges, withoutRanges } from './port-set.ts';

/** Name of the drop-in: it comes after every usual name, for the last value wins at boot (man sysctl.d(5)). */
export const DROP_IN_NAME = 'zz-portolan.conf';

const BEGIN = '# portolan reserve/1 begin';
const END = '# portolan reserve/1 end';
const TELL = [
  '# Ports kept out of automatic choice. The last file wins at boot, so that',
  '# those of other files are repeated here. Edited by portolan reserve only.',
];

/** The file taken apart. */
export interface DropIn {
  /** Text before and after the block, to the byte. */
  readonly before: string;
  readonly after: string;
  readonly block: DropInBlock | null;
  /** Ports that somebody wrote into the block by hand. */
  readonly edited: readonly PortRange[];
  /** The block was cut short or cannot be read in part. */
  readonly damaged: boolean;
  /** The line before the block had no end and was given one. */
  readonly joined: boolean;
}

/** Nothing was added: the line still tells that the boot is known. */
const NONE = 'none';
const ADDED = /^#: added boot=([\w-]+) net=(\d+) (\S*)$/;
const KEY_PATH = RESERVED_KEY.replaceAll('.', '/');

/** Lines that set the list (man sysctl.d(5)): dots or slashes, a minus for failures that do not matter, patterns. */
export function settingsIn(text: string): BootSetting[] {
  return text.split('\n').flatMap((raw, index) => {
    const match = /^\s*-?\s*([^#;=\s][^=]*?)\s*=(.*)$/.exec(raw);
    const key = (match?.[1] ?? '').replaceAll('.', '/').replace(/^-/, '');
    if (match === null || !(key === KEY_PATH || (/[*?[]/.test(key) && globMatches(key)))) return [];
    const value = (match[2] ?? '').trim();
    return [{ line: index + 1, value, ranges: parseRanges(value) }];
  });
}

/** Patterns of glob(7), as systemd-sysctl(8) takes them. */
function globMatches(pattern: string): boolean {
  const source = pattern
    .replace(/[\\^$.|+(){}]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  try {
    return new RegExp(`^${source.replaceAll('[!', '[^')}$`).test(KEY_PATH);
  } catch {
    return false;
  }
}

/** Takes the text apart; never throws, and drops no port of a block that is cut short. */
export function readDropIn(text: string): DropIn {
  const lines = text.split(/(?<=\n)/);
  const first = lines.findIndex((line) => line.trimEnd() === BEGIN);
  if (first < 0) return { before: text, after: '', block: null, edited: [], damaged: false, joined: false };
  const last = lines.findIndex((line, index) => index > first && line.trimEnd() === END);
  const inside = lines.slice(first + 1, last < 0 ? undefined : last);
  const cut = last < 0 && !text.endsWith('\n');
  const found: { ours: PortRange[] | null; theirs: PortRange[]; added: AddedPorts[] } = {
    ours: null,
    theirs: [],
    added: [],
  };
  let value: PortRange[] = [];
  let damaged = last < 0;
  let madeFolders = 0;
  let joined = false;
  const strays: string[] = [];
  inside.forEach((raw, index) => {
    const line = raw.trimEnd();
    const torn = cut && index === inside.length - 1;
    const read = (list: string): PortRange[] => {
      const whole = torn ? null : parseRanges(list);
      if (whole !== null) return whole;
      damaged = true;
      // The last number may be the beginning of a longer one.
      return list
        .split(',')
        .slice(0, torn ? -1 : undefined)
        .flatMap((part) => parseRanges(part) ?? []);
    };
    const added = ADDED.exec(line);
    const [setting] = line.startsWith('#') ? [] : settingsIn(line);
    if (TELL.includes(line)) return;
    if (line.startsWith('#: ours ')) found.ours = read(line.slice(8));
    else if (line.startsWith('#: theirs ')) found.theirs = read(line.slice(10));
    else if (added !== null)
      found.added.push({
        boot: added[1] ?? '',
        namespace: Number(added[2]),
        ports: added[3] === NONE ? [] : read(added[3] ?? ''),
      });
    else if (/^#: folders [1-9]$/.test(line)) madeFolders = Number(line.slice(-1));
    else if (line === '#: joined') joined = true;
    else if (setting !== undefined) value = joinRanges(value, read(setting.value));
    else if (line.startsWith('#:') || torn) damaged = true;
    else if (line !== '') strays.push(raw);
  });
  if (found.ours === null) damaged = true;
  const before = lines.slice(0, first).join('');
  const after = last < 0 ? '' : lines.slice(last + 1).join('');
  const ours = found.ours ?? [];
  // What somebody wrote between our lines stays as well.
  const rest = strays.join('') + after;
  return {
    before: joined && rest === '' && before.endsWith('\n') ? before.slice(0, -1) : before,
    after: rest,
    block: { ours: joinRanges(ours), theirs: joinRanges(found.theirs), added: found.added, madeFolders },
    edited: withoutRanges(value, [...ours, ...found.theirs]),
    damaged,
    joined,
  };
}

/** The ports that a block sets at boot. */
export function blockValue({ ours, theirs }: Pick<DropInBlock, 'ours' | 'theirs'>): PortRange[] {
  return joinRanges(ours, theirs);
}

/** The text with this block; null where nothing is left of the file. The block comes last, so that it wins. */
export function writeDropIn(
  { before, after }: Pick<DropIn, 'before' | 'after'>,
  block: DropInBlock | null,
): string | null {
  const rest = before + after;
  if (block === null || block.ours.length === 0) return rest === '' ? null : rest;
  const joined = rest !== '' && !rest.endsWith('\n');
  const { ours, theirs, added, madeFolders } = block;
  const lines = [
    BEGIN,
    ...TELL,
    `#: ours ${formatRanges(ours)}`,
    ...(theirs.length > 0 ? [`#: theirs ${formatRanges(theirs)}`] : []),
    ...added.map(
      ({ boot, namespace, ports }) => `#: added boot=${boot} net=${namespace} ${formatRanges(ports) || NONE}`,
    ),
    ...(madeFolders > 0 ? [`#: folders ${madeFolders}`] : []),
    ...(joined ? ['#: joined'] : []),
    `${RESERVED_KEY} = ${formatRanges(blockValue(block))}`,
    END,
  ];
  return `${rest}${joined ? '\n' : ''}${lines.join('\n')}\n`;
}
