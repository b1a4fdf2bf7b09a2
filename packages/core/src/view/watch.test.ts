import { expect, test } from 'vitest';
import { makeClaim, makeOwner, makeSocket } from '../../../../fixtures/makers.ts';
import { toHolder } from '../decide/use.ts';
import type { WatchEvent, WatchState } from '../model/event.ts';
import { renderTerminal } from '../render/terminal.ts';
import { translator } from '../text/catalog.ts';
import type { Page } from './tree.ts';
import { watchHowPage, watchLinePage, watchPage } from './watch.ts';

const STATE: WatchState = {
  trace: true,
  destroy: true,
  intervalMs: 100,
  boundMs: 2000,
  ownersMs: 2500,
  cpuShare: 0.0042,
  holders: 1,
  lost: 0,
  unplaced: 0,
  notices: [],
};
const OPENED: WatchEvent = {
  at: '2026-01-02T03:04:05.678Z',
  change: 'opened',
  holder: toHolder(makeSocket({ owners: [makeOwner({ pid: 77, name: 'node' })] })),
};
const CONNECTION: WatchEvent = {
  at: '2026-01-02T03:04:06.000Z',
  change: 'closed',
  holder: toHolder(
    makeSocket({ state: 'TIME_WAIT', inode: 0, peer: { address: '10.0.0.1', port: 443 }, freeInMs: 100 }),
  ),
};

function text(page: Page, width = 80): string {
  return renderTerminal(page, { lang: translator('en'), width, color: false, unicode: true, fit: true });
}

function table(events: readonly WatchEvent[], state: WatchState = STATE): string {
  return text(
    watchPage({
      events,
      counts: { opened: 1, closed: 1, changed: 0 },
      since: '2026-01-02T03:04:00.000Z',
      ports: null,
      state,
      claimsOf: () => [makeClaim()],
    }),
  );
}

test('newest first, with the sign, the kind or the state, and whose it is', () => {
  const lines = table([CONNECTION, OPENED]).split('\n');
  expect(lines[0]).toBe('Watching: 1 holder now; + 1 opened, - 1 closed, ~ 0 changed since 03:04:00.');
  expect(lines[2]).toMatch(/^TIME UTC {2}CHANGE +PORT {2}ADDRESS +OWNER/);
  expect(lines[3]).toMatch(/^03:04:06 {2}- TIME_WAIT {2}5000\/tcp {2}127\.0\.0\.1 → 10\.0\.0\.1:443 {2}none/);
  expect(lines[4]).toMatch(/^03:04:05 {2}\+ listener {3}5000\/tcp {2}127\.0\.0\.1 +node 77/);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});

test('the resolution and the cost are said', () => {
  const said = table([]).replace(/\s+/g, ' ');
  expect(said).toContain('Nothing has changed yet.');
  expect(said).toContain('other sockets within 100 ms, TCP sockets that are only bound within 2 s');
  expect(said).toContain('a change of owner within 2.5 s');
  expect(said).toContain('Own share of a CPU: 0.42%.');
});

test('what it does without is said with the command that would help, and so is what was lost', () => {
  const state: WatchState = {
    ...STATE,
    trace: false,
    boundMs: 0,
    lost: 3,
    unplaced: 1,
    notices: [{ code: 'trace-needs-root', values: {}, remedy: 'sudo portolan watch' }],
  };
  const said = text(watchHowPage(state));
  expect(said).toMatch(
    /^What closes is seen at once\. What opens is seen within 100\s+ms; what lives\s+shorter/,
  );
  expect(said).toContain('\n  sudo portolan watch\n');
  expect(said).toContain('3 messages of the kernel were lost');
  expect(said).toContain('1 listener came and went');
});

test('a line of text says the change as a word', () => {
  const line = text(
    watchLinePage(OPENED, () => []),
    200,
  );
  expect(line).toBe('03:04:05  opened  listener  5000/tcp  127.0.0.1  node 77  alice  –\n');
});

test('nothing that a process calls itself reaches the terminal raw', () => {
  const owners = [makeOwner({ name: 'a\u001b[2Jb\nc' })];
  const line = text(
    watchLinePage({ ...OPENED, holder: toHolder(makeSocket({ owners })) }, () => []),
    200,
  );
  expect(line).toContain('a\\x1b[2Jb\\nc');
  expect(line.trimEnd()).not.toMatch(/[\u001b\n]/);
});
