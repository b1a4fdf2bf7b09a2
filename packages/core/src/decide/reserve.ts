// What reserving or giving back ports would change: the running list, the drop-in, what wins at boot, and what to know.
import { listed, type Message, say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import type { Holder, HolderKind } from '../model/report.ts';
import type {
  AddedPorts,
  BootFile,
  BootReader,
  BootValue,
  DropInBlock,
  FileChange,
  ReserveAction,
  ReserveNote,
  ReserveNoteKind,
  ReservePlan,
  ReserveRefusal,
  ReserveState,
} from '../model/reserve.ts';
import { bootOrder, bootValue, filesThatSet, rangesOf } from './boot-order.ts';
import { DROP_IN_NAME, type DropIn, readDropIn, settingsIn, writeDropIn } from './drop-in.ts';
import { commonRanges, formatRanges, joinRanges, portCount, sameRanges, withoutRanges } from './port-set.ts';
import { reserveElsewhere } from './reserve-elsewhere.ts';
import { recovered } from './unfinished.ts';

/** What is asked for, and everything it is decided from. */
export interface ReserveInput {
  readonly action: ReserveAction;
  readonly ports: readonly PortRange[];
  /** Take away what others reserved, and reserve what leaves no port to hand out. */
  readonly force: boolean;
  /** The running list alone, without the drop-in. */
  readonly nowOnly: boolean;
  /** One transport was named, though the list holds for all. */
  readonly transport: string | null;
  readonly state: ReserveState;
  /** Who is on the asked ports now. */
  readonly holders: readonly Holder[];
  /** How a shell calls this program, with the rights that it needs. */
  readonly call: string;
  /** Flags that a repeated call needs as well. */
  readonly flags: readonly string[];
}

/** Fewer ports left to hand out than this share is worth a warning. */
const FEW_LEFT = 0.1;

/** sysctl(8) of procps-ng 4.0.2 writes longer lists in pieces, of which the kernel keeps the first (measured). */
const SYSCTL_LIMIT = 4000;

/** Ports named in one sentence. */
const NAMED = 8;

/** The plan; nothing is read or written. */
export function planReserve(input: ReserveInput): ReservePlan {
  const { action, state } = input;
  const ports = joinRanges(input.ports);
  const written = readDropIn(state.dropInText ?? '');
  const { block: remembered, ports: unfinished } = recovered(state, written);
  const dropIn = { ...written, block: remembered };
  const list = state.list === null ? null : joinRanges(state.list);
  const change = list === null ? NOTHING : listChange(input, ports, list, dropIn);
  // Other systems have no such files.
  const fileless = input.nowOnly || state.platform !== 'linux';
  const block = fileless ? dropIn.block : nextBlock(input, ports, change, dropIn);
  const file = fileless ? null : fileChange(state, dropIn, block);
  const after = list === null ? null : joinRanges(withoutRanges(list, change.remove), change.add);
  const boot = fileless ? null : bootChange(state, file);
  const refusal = refusalOf(input, ports, change, file, after);
  const flags = [...(input.force ? ['--force'] : []), ...(input.nowOnly ? ['--now'] : []), ...input.flags];
  const command = (
    what: ReserveAction,
    which: readonly PortRange[],
    extra: readonly string[] = flags,
  ): string => [input.call, what, formatRanges(which), '--apply', ...extra].join(' ');
  const undone = commonRanges(ports, touched(action, change, dropIn, block));
  const elsewhere = state.platform === 'linux' ? null : reserveElsewhere(state.platform, action, ports);
  return {
    action,
    ports,
    before: list,
    after,
    add: change.add,
    remove: change.remove,
    files: file === null ? [] : [file],
    boot,
    notes: [
      ...notesOf(input, ports, list, after, change, dropIn, boot),
      ...(unfinished.length === 0 ? [] : [unfinishedNote(unfinished, state.dropIn)]),
    ],
    refusal,
    commands: elsewhere?.commands ?? [command(action, ports)],
    undo: elsewhere?.undo ?? (undone.length === 0 ? [] : [undoCommand(input, undone, command, flags)]),
  };
}

function undoCommand(
  { action, nowOnly }: ReserveInput,
  undone: readonly PortRange[],
  command: (what: ReserveAction, which: readonly PortRange[], extra?: readonly string[]) => string,
  flags: readonly string[],
): string {
  if (action === 'unreserve') return command('reserve', undone);
  // Nobody remembers who reserved for now only.
  const extra = nowOnly ? ['--force', ...flags.filter((flag) => flag !== '--force')] : flags;
  return command(
    'unreserve',
    undone,
    extra.filter((flag) => nowOnly || flag !== '--force'),
  );
}

interface ListChange {
  readonly add: readonly PortRange[];
  readonly remove: readonly PortRange[];
  /** Asked for and not taken away, for others reserved them. */
  readonly kept: readonly PortRange[];
}

const NOTHING: ListChange = { add: [], remove: [], kept: [] };

function listChange(
  { action, force, state }: ReserveInput,
  ports: readonly PortRange[],
  list: readonly PortRange[],
  dropIn: DropIn,
): ListChange {
  if (action === 'reserve') return { ...NOTHING, add: withoutRanges(ports, list) };
  const there = commonRanges(ports, list);
  const remove = force ? there : commonRanges(there, addedHere(state, dropIn));
  return { add: [], remove, kept: withoutRanges(there, remove) };
}

/** The entries of the running list that are there by us: added since the boot, or set at boot by our drop-in alone. */
function addedHere({ bootId, namespace, list }: ReserveState, { block }: DropIn): PortRange[] {
  if (block === null) return [];
  const known = block.added.find((entry) => entry.boot === bootId && entry.namespace === namespace.inode);
  if (known !== undefined) return commonRanges(known.ports, list ?? []);
  if (namespace.kind !== 'host' && namespace.kind !== 'unknown') return [];
  return commonRanges(withoutRanges(block.ours, block.theirs), list ?? []);
}

function nextBlock(
  { action, ports: asked, state }: ReserveInput,
  ports: readonly PortRange[],
  change: ListChange,
  dropIn: DropIn,
): DropInBlock | null {
  const old = dropIn.block;
  if (action === 'unreserve' && old === null) return null;
  const ours =
    action === 'reserve' ? joinRanges(old?.ours ?? [], asked) : withoutRanges(old?.ours ?? [], ports);
  const here = joinRanges(withoutRanges(addedHere(state, dropIn), change.remove), change.add);
  const { inode } = state.namespace;
  const others = (old?.added ?? []).filter(
    ({ boot, namespace }) => boot === state.bootId && namespace !== inode,
  );
  const added: AddedPorts[] =
    inode === null ? others : [...others, { boot: state.bootId, namespace: inode, ports: here }];
  return {
    ours,
    theirs: theirsOf(state, dropIn),
    added,
    madeFolders: old === null ? state.foldersMissing : old.madeFolders,
  };
}

/** Ports that others set at boot: in their files, in ours outside the block, and by hand within it. */
function theirsOf(state: ReserveState, dropIn: DropIn): PortRange[] {
  const outside = settingsIn(dropIn.before + dropIn.after).flatMap(({ ranges }) => ranges ?? []);
  return joinRanges(rangesOf(filesThatSet(othersOf(state))), outside, dropIn.edited);
}

function othersOf({ files, dropIn }: ReserveState): BootFile[] {
  return files.filter(({ path }) => path !== dropIn);
}

function fileChange(state: ReserveState, dropIn: DropIn, block: DropInBlock | null): FileChange | null {
  const text = writeDropIn(dropIn, block);
  return text === state.dropInText ? null : { path: state.dropIn, old: state.dropInText, new: text };
}

/** Ports for which something changes, now or at boot. */
function touched(
  action: ReserveAction,
  { add, remove }: ListChange,
  dropIn: DropIn,
  block: DropInBlock | null,
): PortRange[] {
  const [before, after] = [dropIn.block?.ours ?? [], block?.ours ?? []];
  const changed = action === 'reserve' ? withoutRanges(after, before) : withoutRanges(before, after);
  return joinRanges(add, remove, changed);
}

function bootChange(state: ReserveState, file: FileChange | null): ReservePlan['boot'] {
  const after =
    file === null
      ? state.files
      : [
          ...othersOf(state),
          ...(file.new === null
            ? []
            : [
                {
                  path: state.dropIn,
                  name: DROP_IN_NAME,
                  rank: 0,
                  last: false,
                  settings: settingsIn(file.new),
                  problem: null,
                },
              ]),
        ];
  const both = (files: readonly BootFile[]): Record<BootReader, BootValue> => ({
    'systemd-sysctl': bootValue(files, 'systemd-sysctl'),
    sysctl: bootValue(files, 'sysctl'),
  });
  return { before: both(state.files), after: both(after) };
}

function refusalOf(
  { action, force, nowOnly, state }: ReserveInput,
  ports: readonly PortRange[],
  change: ListChange,
  file: FileChange | null,
  after: readonly PortRange[] | null,
): ReserveRefusal | null {
  if (state.platform !== 'linux') return 'other-system';
  if (state.list === null) return 'list-unreadable';
  if (!nowOnly && state.dropInProblem !== null) return 'drop-in-unreadable';
  if (action === 'reserve' && !force && leftToHandOut(state, after) === 0) return 'leaves-none';
  const nothing = change.remove.length === 0 && file === null;
  if (
    action === 'unreserve' &&
    nothing &&
    portCount(change.kept) > 0 &&
    sameRanges(change.kept, commonRanges(ports, state.list))
  )
    return 'not-ours';
  return null;
}

/** Ports of the range that could still be chosen; null where the range is not known. */
function leftToHandOut({ ephemeral }: ReserveState, after: readonly PortRange[] | null): number | null {
  return ephemeral === null || after === null ? null : portCount(withoutRanges([ephemeral], after));
}

function notesOf(
  input: ReserveInput,
  ports: readonly PortRange[],
  list: readonly PortRange[] | null,
  after: readonly PortRange[] | null,
  change: ListChange,
  dropIn: DropIn,
  boot: ReservePlan['boot'],
): ReserveNote[] {
  const { action, state, nowOnly } = input;
  const notes: ReserveNote[] = [];
  const add = (
    kind: ReserveNoteKind,
    severity: ReserveNote['severity'],
    text: Message,
    holders: readonly Holder[] = [],
  ): void => {
    notes.push({ kind, severity, text, holders });
  };
  if (state.platform !== 'linux') {
    const { notes: told } = reserveElsewhere(state.platform, action, ports);
    for (const text of told) add('system', 'info', text);
    return notes;
  }
  if (action === 'reserve') {
    reserveNotes(input, ports, list, after, add);
  } else {
    if (change.kept.length > 0) add('not-ours', 'medium', say('reserve.note.not-ours', named(change.kept)));
    const absent = withoutRanges(withoutRanges(ports, list ?? []), dropIn.block?.ours ?? []);
    if (absent.length > 0) add('absent', 'info', say('reserve.note.absent', named(absent)));
    const back = commonRanges(joinRanges(change.remove), boot?.after['systemd-sysctl'].ranges ?? []);
    if (back.length > 0) {
      const paths = filesThatSet(othersOf(state)).map(({ path }) => path);
      add(
        'boot-returns',
        'medium',
        say('reserve.note.boot-returns', { ...named(back), files: listed(paths, 3) }),
      );
    }
  }
  if (input.transport !== null)
    add('transport', 'info', say('reserve.note.transport', { transport: input.transport }));
  if (!nowOnly) bootNotes(input, dropIn, boot, add);
  return notes;
}

type AddNote = (
  kind: ReserveNoteKind,
  severity: ReserveNote['severity'],
  text: Message,
  holders?: readonly Holder[],
) => void;

function reserveNotes(
  { state, holders }: ReserveInput,
  ports: readonly PortRange[],
  list: readonly PortRange[] | null,
  after: readonly PortRange[] | null,
  add: AddNote,
): void {
  const { ephemeral } = state;
  if (ephemeral !== null) {
    const [first, last] = ephemeral;
    const outside = withoutRanges(ports, [ephemeral]);
    if (outside.length > 0)
      add('outside', 'medium', say('reserve.note.outside', { ...named(outside), first, last }));
    const left = leftToHandOut(state, after) ?? 0;
    const size = last - first + 1;
    if (left === 0) add('leaves-none', 'high', say('reserve.note.leaves-none', { first, last }));
    else if (left < size * FEW_LEFT) {
      add('leaves-few', 'medium', say('reserve.note.leaves-few', { left, size, first, last }));
    }
  }
  const already = commonRanges(ports, list ?? []);
  if (already.length > 0) add('already', 'info', say('reserve.note.already', named(already)));
  const held = (...kinds: HolderKind[]): Holder[] =>
    holders.filter(
      ({ kind, namespace, redirect }) => namespace === null && redirect === null && kinds.includes(kind),
    );
  const servers = held('listener', 'bound', 'kernel');
  if (servers.length > 0) {
    add('listener', 'info', say('reserve.note.listener', { count: servers.length }), servers);
  }
  const connections = held('connection');
  if (connections.length > 0) {
    add('connection', 'medium', say('reserve.note.connection', { count: connections.length }), connections);
  }
  const closing = held('closing');
  if (closing.length > 0) {
    const ms = closing.reduce((most, { freeInMs }) => Math.max(most, freeInMs ?? 0), 0);
    const seconds = { decimal: Math.ceil(ms / 100) / 10 };
    add('closing', 'medium', say('reserve.note.closing', { count: closing.length, seconds }), closing);
  }
}

function bootNotes(
  { action, ports, state }: ReserveInput,
  dropIn: DropIn,
  boot: ReservePlan['boot'],
  add: AddNote,
): void {
  const others = filesThatSet(othersOf(state));
  const wanted = action === 'reserve' ? joinRanges(ports) : [];
  for (const reader of ['systemd-sysctl', 'sysctl'] as const) {
    const value = boot?.after[reader];
    if (value === undefined || value.path === state.dropIn) continue;
    const lost = withoutRanges(wanted, value.ranges);
    if (lost.length === 0) continue;
    add(
      'boot-overridden',
      reader === 'sysctl' ? 'low' : 'high',
      say(`reserve.note.boot-overridden.${reader}`, { file: value.path ?? '', ...named(lost) }),
    );
  }
  const ours = boot?.after['systemd-sysctl'].path === state.dropIn;
  if (ours && others.length > 0) {
    add(
      'boot-merged',
      'info',
      say('reserve.note.boot-merged', {
        files: listed(
          others.map(({ path }) => path),
          4,
        ),
      }),
    );
  }
  for (const { path, settings } of bootOrder(othersOf(state), 'sysctl')) {
    for (const { line, ranges, value } of settings) {
      if (ranges !== null) continue;
      add(
        'boot-invalid',
        'medium',
        say('reserve.note.boot-invalid', { file: path, line, value: value.slice(0, 60) }),
      );
    }
  }
  for (const { path, problem } of state.files) {
    if (problem === null || path === state.dropIn) continue;
    add('boot-unreadable', 'medium', say('reserve.note.boot-unreadable', { file: path, reason: problem }));
  }
  if (dropIn.damaged)
    add('drop-in-damaged', 'medium', say('reserve.note.drop-in-damaged', { file: state.dropIn }));
  if (dropIn.edited.length > 0) {
    add(
      'drop-in-edited',
      'info',
      say('reserve.note.drop-in-edited', { ...named(dropIn.edited), file: state.dropIn }),
    );
  }
  const value = dropInValue(boot, state);
  if (value.length > SYSCTL_LIMIT)
    add('long', 'medium', say('reserve.note.long', { characters: value.length }));
}

function unfinishedNote(ports: readonly PortRange[], file: string): ReserveNote {
  const text = say('reserve.note.unfinished', { ...named(ports), file });
  return { kind: 'unfinished', severity: 'medium', text, holders: [] };
}

function dropInValue(boot: ReservePlan['boot'], state: ReserveState): string {
  const value = boot?.after['systemd-sysctl'];
  return value === undefined || value.path !== state.dropIn ? '' : formatRanges(value.ranges);
}

/** Ports for a sentence: how many, and the first runs of them. */
function named(ranges: readonly PortRange[]): {
  readonly count: number;
  readonly ports: ReturnType<typeof listed>;
} {
  const runs = joinRanges(ranges).map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`));
  return { count: portCount(ranges), ports: listed(runs, NAMED) };
}

/** Is what was read back what was planned? Others may have added theirs meanwhile; none of ours may be missing. */
export function isAsPlanned(plan: ReservePlan, now: readonly PortRange[]): boolean {
  return withoutRanges(plan.add, now).length === 0 && commonRanges(plan.remove, now).length === 0;
}
