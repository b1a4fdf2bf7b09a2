// Plans of reserving and giving back: who keeps what, what wins at boot, what is refused, what undoes it.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeSocket } from '../../../../fixtures/makers.ts';
import type { PortRange } from '../model/port.ts';
import type { BootFile, ReservePlan, ReserveState } from '../model/reserve.ts';
import { bootOrder, bootValue } from './boot-order.ts';
import { DROP_IN_NAME, settingsIn } from './drop-in.ts';
import { commonRanges, formatRanges, joinRanges, sameRanges, withoutRanges } from './port-set.ts';
import { isAsPlanned, planReserve, type ReserveInput } from './reserve.ts';
import { toHolder } from './use.ts';

const OURS = `/etc/sysctl.d/${DROP_IN_NAME}`;

function bootFile(path: string, text: string, over: Partial<BootFile> = {}): BootFile {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const rank = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/lib/sysctl.d'].indexOf(
    path.slice(0, -name.length - 1),
  );
  return { path, name, rank, last: false, settings: settingsIn(text), problem: null, ...over };
}

const line = (ports: string): string => `net.ipv4.ip_local_reserved_ports = ${ports}\n`;

function makeState(over: Partial<ReserveState> = {}): ReserveState {
  const dropInText = over.dropInText ?? null;
  return {
    platform: 'linux',
    list: [],
    ephemeral: [32_768, 60_999],
    namespace: { kind: 'host', inode: 7, names: [], container: null },
    bootId: 'boot-1',
    dropIn: OURS,
    dropInProblem: null,
    unfinishedText: null,
    foldersMissing: 0,
    ...over,
    dropInText,
    files: [...(over.files ?? []), ...(dropInText === null ? [] : [bootFile(OURS, dropInText)])],
  };
}

function plan(
  ports: readonly PortRange[],
  state: ReserveState,
  over: Partial<ReserveInput> = {},
): ReservePlan {
  return planReserve({
    action: 'reserve',
    ports,
    force: false,
    nowOnly: false,
    transport: null,
    state,
    holders: [],
    call: 'portolan',
    flags: [],
    ...over,
  });
}

/** The state after a plan was carried out. */
function carriedOut(state: ReserveState, made: ReservePlan): ReserveState {
  const [file] = made.files;
  const others = state.files.filter(({ path }) => path !== OURS);
  const list = joinRanges(withoutRanges(state.list ?? [], made.remove), made.add);
  return makeState({
    ...state,
    list,
    files: others,
    dropInText: file === undefined ? state.dropInText : file.new,
  });
}

const kinds = (made: ReservePlan): string[] => made.notes.map(({ kind }) => kind);
const PORT: PortRange = [60_163, 60_163];

describe('a plan to reserve', () => {
  it('joins what is there, says what changes and how to undo it', () => {
    const made = plan([PORT], makeState({ list: [[40_000, 40_000]] }));
    expect(made).toMatchObject({
      before: [[40_000, 40_000]],
      after: [[40_000, 40_000], PORT],
      add: [PORT],
      remove: [],
      refusal: null,
      commands: ['portolan reserve 60163 --apply'],
      undo: ['portolan unreserve 60163 --apply'],
      boot: { after: { 'systemd-sysctl': { ranges: [PORT], path: OURS } } },
    });
    expect(made.files.map(({ path, old }) => [path, old])).toEqual([[OURS, null]]);
  });

  const port = fc.integer({ min: 1, max: 40 }).map((n): PortRange => [n, n]);
  const list = fc.array(port, { maxLength: 8 }).map((some) => joinRanges(some));
  const asked = fc.array(port, { minLength: 1, maxLength: 8 });
  it('undone leaves the list to the entry and the file to the byte, whatever was there', () => {
    fc.assert(
      fc.property(list, list, asked, asked, (before, elsewhere, first, second) => {
        const files = [bootFile('/etc/sysctl.d/10-a.conf', line(formatRanges(elsewhere)))];
        const untouched = makeState({ list: before, files });
        const start = carriedOut(untouched, plan(first, untouched));
        const made = plan(second, start, { force: true });
        const then = carriedOut(start, made);
        expect(isAsPlanned(made, then.list ?? [])).toBe(true);
        expect(withoutRanges(start.list ?? [], then.list ?? [])).toEqual([]);
        const [undo] = made.undo;
        if (undo === undefined) {
          expect(then).toEqual(start);
          return;
        }
        const back = /unreserve (\S+) /.exec(undo)?.[1]?.split(',') ?? [];
        const ports = back.map((run): PortRange => {
          const [a = 0, b = a] = run.split('-').map(Number);
          return [a, b];
        });
        const end = carriedOut(then, plan(ports, then, { action: 'unreserve' }));
        expect(end.list).toEqual(start.list);
        expect(end.dropInText).toBe(start.dropInText);
      }),
    );
  });

  it('repeats the ports of other files and comes after them', () => {
    const files = [
      bootFile('/etc/sysctl.d/90-local.conf', line('8080')),
      bootFile('/usr/lib/sysctl.d/10-vendor.conf', line('9000-9001')),
      bootFile('/usr/lib/sysctl.d/90-local.conf', line('1')),
    ];
    const made = plan([PORT], makeState({ files }));
    const { before, after } = made.boot ?? {};
    expect(before?.['systemd-sysctl']).toEqual({
      ranges: [[8080, 8080]],
      path: '/etc/sysctl.d/90-local.conf',
    });
    // The masked file of the same name counts for nothing.
    expect(after?.['systemd-sysctl']).toEqual({ ranges: [[8080, 8080], [9000, 9001], PORT], path: OURS });
    expect(kinds(made)).toContain('boot-merged');
    // Ports that leave their file leave ours with the next run.
    const later = makeState({ ...carriedOut(makeState({ files }), made), files: [] });
    const [file] = plan([[60_165, 60_165]], later).files;
    expect(settingsIn(file?.new ?? '').at(-1)?.ranges).toEqual([PORT, [60_165, 60_165]]);
  });

  it('says where another file has the last word', () => {
    const last = bootFile('/etc/sysctl.d/zzz.conf', line('8080'));
    const made = plan([PORT], makeState({ files: [last] }));
    expect(made.boot?.after['systemd-sysctl'].path).toBe('/etc/sysctl.d/zzz.conf');
    expect(made.notes.find(({ kind }) => kind === 'boot-overridden')?.severity).toBe('high');
    const conf = bootFile('/etc/sysctl.conf', line('8080'), { last: true });
    const other = plan([PORT], makeState({ files: [conf] }));
    expect(other.boot?.after).toMatchObject({
      'systemd-sysctl': { path: OURS },
      sysctl: { path: '/etc/sysctl.conf' },
    });
    expect(other.notes.find(({ kind }) => kind === 'boot-overridden')?.severity).toBe('low');
    // Where that file has the port itself there is nothing to tell.
    const has = plan([PORT], makeState({ files: [bootFile('/etc/sysctl.d/zzz.conf', line('60163'))] }));
    expect(kinds(has)).not.toContain('boot-overridden');
  });

  it('tells values that the kernel refuses, and files that cannot be read', () => {
    const files = [
      bootFile('/etc/sysctl.d/50-bad.conf', line('80 81')),
      bootFile('/etc/sysctl.d/51-shut.conf', '', { problem: 'EACCES' }),
    ];
    expect(kinds(plan([PORT], makeState({ files })))).toEqual(
      expect.arrayContaining(['boot-invalid', 'boot-unreadable']),
    );
  });

  it('refuses to leave no port to hand out, unless it is forced', () => {
    const made = plan([[1, 65_535]], makeState());
    expect(made.refusal).toBe('leaves-none');
    expect(plan([[1, 65_535]], makeState(), { force: true }).refusal).toBeNull();
    expect(kinds(plan([[33_000, 60_999]], makeState()))).toContain('leaves-few');
  });

  it('says what is useless, there already, held, and for all transports', () => {
    const state = makeState({ list: [PORT] });
    const holders = [
      makeSocket({ state: 'LISTEN' }),
      makeSocket({ state: 'ESTABLISHED', peer: { address: '::1', port: 1 } }),
      makeSocket({ state: 'TIME_WAIT', inode: 0, freeInMs: 31_250 }),
    ].map(toHolder);
    const made = plan([PORT, [80, 80]], state, { holders, transport: 'udp' });
    expect(kinds(made)).toEqual(['outside', 'already', 'listener', 'connection', 'closing', 'transport']);
    expect(made.notes.find(({ kind }) => kind === 'closing')?.text.values['seconds']).toEqual({
      decimal: 31.3,
    });
    expect(made.add).toEqual([[80, 80]]);
  });

  it('cannot be made without the list, nor over a drop-in that cannot be read', () => {
    expect(plan([PORT], makeState({ list: null })).refusal).toBe('list-unreadable');
    expect(plan([PORT], makeState({ dropInProblem: 'EACCES' })).refusal).toBe('drop-in-unreadable');
    expect(plan([PORT], makeState({ dropInProblem: 'EACCES' }), { nowOnly: true }).refusal).toBeNull();
  });

  it('warns of a list that sysctl(8) would cut', () => {
    const many = Array.from({ length: 1000 }, (_, i): PortRange => [40_001 + 2 * i, 40_001 + 2 * i]);
    expect(kinds(plan(many, makeState()))).toContain('long');
  });
});

describe('a plan to give back', () => {
  const start = makeState({ list: [[40_000, 40_000]] });
  const reserved = carriedOut(start, plan([[40_000, 40_001]], start));

  it('takes away what we added and nothing of others', () => {
    const made = plan([[40_000, 40_001]], reserved, { action: 'unreserve' });
    expect(made).toMatchObject({ remove: [[40_001, 40_001]], after: [[40_000, 40_000]], refusal: null });
    expect(kinds(made)).toContain('not-ours');
    expect(made.files[0]?.new).toBeNull();
  });

  it('is refused for what somebody else reserved, unless it is forced', () => {
    const state = makeState({ list: [PORT] });
    expect(plan([PORT], state, { action: 'unreserve' })).toMatchObject({ refusal: 'not-ours', remove: [] });
    expect(plan([PORT], state, { action: 'unreserve', force: true })).toMatchObject({
      refusal: null,
      remove: [PORT],
    });
  });

  it('knows after a boot that the drop-in set them', () => {
    const after = { ...reserved, bootId: 'boot-2', list: [[40_000, 40_001]] as PortRange[] };
    expect(plan([[40_001, 40_001]], after, { action: 'unreserve' }).remove).toEqual([[40_001, 40_001]]);
    // Another namespace has a list of its own, which the drop-in never set.
    const named = { ...after, namespace: { ...after.namespace, kind: 'named' as const, inode: 8 } };
    expect(plan([[40_001, 40_001]], named, { action: 'unreserve' }).remove).toEqual([]);
  });

  it('says what comes back at boot', () => {
    const files = [bootFile('/etc/sysctl.d/90-local.conf', line('60163'))];
    const state = makeState({ list: [PORT], files });
    const made = plan([PORT], state, { action: 'unreserve', force: true });
    expect(kinds(made)).toContain('boot-returns');
  });
});

describe('other systems', () => {
  const state = makeState({ platform: 'win32', list: null });
  it('get their own commands, and are changed by nobody', () => {
    const made = plan([[60_163, 60_164]], state);
    expect(made).toMatchObject({ refusal: 'other-system', files: [], boot: null });
    expect(made.commands).toContain(
      'netsh int ipv4 add excludedportrange protocol=tcp startport=60163 numberofports=2 store=persistent',
    );
    expect(made.undo).toHaveLength(4);
    expect(made.undo.every((command) => command.includes(' delete '))).toBe(true);
    const mac = plan([[60_163, 60_164]], { ...state, platform: 'darwin' });
    expect(mac.commands).toEqual([
      'sudo sysctl -w net.inet.ip.portrange.first=60165 net.inet.ip.portrange.hifirst=60165',
    ]);
    expect(plan([[5000, 5000]], { ...state, platform: 'darwin' }).commands).toEqual([]);
    expect(plan([[65_535, 65_535]], { ...state, platform: 'darwin' }).commands).toEqual([]);
    expect(plan([PORT], { ...state, platform: 'sunos' }).commands).toEqual([]);
  });
});

describe('the order at boot', () => {
  it('is by name, the first folder masks, and sysctl(8) adds its own file', () => {
    const files = [
      bootFile('/usr/lib/sysctl.d/50-a.conf', line('1')),
      bootFile('/etc/sysctl.d/50-a.conf', ''),
      bootFile('/run/sysctl.d/20-b.conf', line('2')),
      bootFile('/etc/sysctl.conf', line('3'), { last: true }),
    ];
    expect(bootOrder(files, 'systemd-sysctl').map(({ path }) => path)).toEqual([
      '/run/sysctl.d/20-b.conf',
      '/etc/sysctl.d/50-a.conf',
    ]);
    expect(bootValue(files, 'systemd-sysctl').ranges).toEqual([[2, 2]]);
    expect(bootValue(files, 'sysctl').path).toBe('/etc/sysctl.conf');
  });
  it('leaves the value before where the kernel refuses the last', () => {
    const files = [bootFile('/etc/sysctl.d/1.conf', line('5')), bootFile('/etc/sysctl.d/2.conf', line('x'))];
    expect(bootValue(files, 'sysctl')).toEqual({ ranges: [[5, 5]], path: '/etc/sysctl.d/1.conf' });
    expect(sameRanges(commonRanges([[5, 5]], [[5, 5]]), [[5, 5]])).toBe(true);
  });
});
