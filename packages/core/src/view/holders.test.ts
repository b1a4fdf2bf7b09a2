// How ports of containers and sockets of systemd read, in sentences and in the table, on a terminal of 80 columns.
import { expect, test } from 'vitest';
import { makeGap, makeOwner, makeRedirect, makeSnapshot, makeSocket } from '../../../../fixtures/makers.ts';
import { explain } from '../decide/explain.ts';
import { holdersOf, toHolder, useOf } from '../decide/use.ts';
import type { Container, Gap, Redirect, Socket } from '../model/socket.ts';
import { renderTerminal } from '../render/terminal.ts';
import { translator } from '../text/catalog.ts';
import { mainOwner, whoWords } from './holder-words.ts';
import { listPage, whoPage } from './list.ts';
import { rangePage } from './search.ts';

const lang = translator('en');
const options = { lang, width: 80, color: false, unicode: true, fit: true };

function who(sockets: readonly Socket[], redirects: readonly Redirect[] = []): string {
  const snapshot = makeSnapshot({ sockets, redirects });
  return renderTerminal(whoPage(8080, ['tcp'], useOf(snapshot, [8080, 8080], ['tcp'])), options);
}

/** The same without line breaks, for sentences that are longer than what is left of a line. */
const unbroken = (text: string): string => text.replace(/\s+/g, ' ');

function list(...sockets: Socket[]): string[] {
  const holders = holdersOf(makeSnapshot({ sockets }), null, ['tcp', 'udp']);
  const page = listPage({
    holders,
    gaps: [],
    claimsOf: () => [],
    all: false,
    filtered: false,
    forecasts: [],
    ephemeral: null,
  });
  return renderTerminal(page, options).split('\n');
}

const web: Container = { runtime: 'docker', id: '0123456789ab'.padEnd(64, 'c'), name: 'web' };

const proxied = makeSocket({
  local: { address: '0.0.0.0', port: 8080 },
  owners: [makeOwner({ name: 'docker-proxy', pid: 141, user: 'root', unit: 'docker.service' })],
  publishes: { container: web, port: 80 },
});

test('a published port: the container first, then the process that holds it', () => {
  const lines = who([proxied]).split('\n');
  expect(lines[1]).toContain('stands for port 80 of Docker container web');
  expect(lines[2]).toContain('docker-proxy, pid 141');
  expect(lang.say(whoWords(toHolder(proxied)))).toBe('Docker container web (its port 80)');
});

test('a container without a name goes by the start of its id', () => {
  const nameless = { ...proxied, publishes: { container: { ...web, name: null }, port: 80 } };
  expect(who([nameless])).toContain('Docker container 0123456789ab\n');
});

test('a process in a container', () => {
  const local = { address: '0.0.0.0', port: 8080 };
  const inside = (container: Container): string =>
    unbroken(who([makeSocket({ local, owners: [makeOwner({ container })] })]));
  expect(inside(web)).toContain('Docker container web');
  expect(inside({ runtime: 'cri-o', id: 'a'.repeat(64), name: null })).toContain(
    'CRI-O container aaaaaaaaaaaa',
  );
  expect(inside({ runtime: 'containerd', id: 'b', name: 'shop/web-0/app' })).toContain(
    'containerd container shop/web-0/app',
  );
});

const systemd = makeOwner({ pid: 1, name: 'systemd', unit: 'init.scope', user: 'root' });
const activated = makeSocket({
  local: { address: '0.0.0.0', port: 8080 },
  owners: [systemd],
  activation: { socketUnit: 'ssh.socket', serviceUnit: 'ssh.service' },
});

test('a socket that systemd holds for a service that does not run, or does', () => {
  expect(who([activated])).toContain('held by systemd for ssh.socket: ssh.service will serve it');
  expect(lang.say(whoWords(toHolder(activated)))).toBe('systemd (ssh.socket, for ssh.service)');

  const sshd = makeOwner({ pid: 812, name: 'sshd', unit: 'ssh.service' });
  const serving = { ...activated, owners: [systemd, sshd] };
  expect(who([serving])).toContain('held by systemd for ssh.socket, and ssh.service serves it');
  expect(lang.say(whoWords(toHolder(serving)))).toBe('sshd (pid 812) and 1 more');
  expect(mainOwner(toHolder(serving))).toBe(sshd);
  expect(mainOwner(toHolder(activated))).toBe(systemd);

  const unnamed = { ...activated, activation: { socketUnit: 'x.socket', serviceUnit: null } };
  expect(who([unnamed])).toContain('held by systemd for x.socket\n');
});

test('the table: who it is for in the owner’s place', () => {
  const lines = list(proxied, { ...activated, local: { address: '0.0.0.0', port: 2222 } });
  expect(lines.find((line) => line.startsWith('8080/tcp'))).toContain('web (docker, :80)');
  expect(lines.find((line) => line.startsWith('2222/tcp'))).toContain('systemd 1 → ssh.service (init.scope)');
});

test('long names leave room for the rest of the table, and their ends stay', () => {
  const name = 'shop_production_frontend_web-server_12';
  const long = { ...proxied, publishes: { container: { ...web, name }, port: 80 } };
  const lines = list(long);
  const line = lines.find((one) => one.startsWith('8080/tcp'));
  expect(line).toContain('shop_product…b-server_12 (docker, :80)');
  for (const one of lines) expect([...one].length).toBeLessThanOrEqual(80);
  // The page of the port has it whole.
  expect(who([long])).toContain(name);
});

test('a list with rules: they are counted apart, among the listed sockets neither', () => {
  const snapshot = makeSnapshot({
    sockets: [
      makeSocket(),
      makeSocket({ state: 'ESTABLISHED', peer: { address: '127.0.0.1', port: 5 }, owners: [] }),
    ],
    redirects: [makeRedirect(), makeRedirect({ ports: [30_100, 30_110] })],
  });
  const of = (from: typeof snapshot): string[] => {
    const holders = holdersOf(from, null, ['tcp', 'udp']);
    const rest = {
      gaps: [],
      claimsOf: () => [],
      all: false,
      filtered: false,
      forecasts: [],
      ephemeral: null,
    };
    return renderTerminal(listPage({ holders, ...rest }), options).split('\n');
  };
  expect(of(snapshot).slice(0, 3)).toEqual([
    '2 sockets hold a port here.',
    '1 of them listens or is bound and is listed; the others are counted below.',
    '2 rules send the packets of ports elsewhere and are listed.',
  ]);
  expect(of({ ...snapshot, sockets: [] }).slice(0, 2)).toEqual([
    'No socket holds a port here.',
    '2 rules send the packets of ports elsewhere and are listed.',
  ]);
  expect(of({ ...snapshot, redirects: [] }).join('\n')).not.toContain('rule');
});

test('gaps that one command closes tell it once, after the last', () => {
  const remedy = 'sudo portolan who 8080';
  const gap = (code: Gap['code'], of: string | null): Gap =>
    makeGap({ code, values: {}, remedy: of, coversUse: false });
  const show = (...gaps: Gap[]): string => {
    const use = useOf(makeSnapshot({ gaps }), [8080, 8080], ['tcp']);
    return renderTerminal(whoPage(8080, ['tcp'], use), options);
  };
  const same = show(gap('redirects-no-rights', remedy), gap('redirects-unlisted', remedy));
  expect(same.split(remedy)).toHaveLength(2);
  expect(same.trimEnd()).toMatch(/To see them:\n +sudo portolan who 8080$/);
  const others = show(gap('redirects-no-rights', remedy), gap('redirects-unlisted', 'sudo portolan list'));
  expect(others.match(/To see it:/g)).toHaveLength(2);
  const between = show(
    gap('redirects-no-rights', remedy),
    gap('redirects-unlisted', null),
    gap('redirects-no-rights', remedy),
  );
  expect(between.split(remedy)).toHaveLength(3);
});

test('a run of ports: TIME_WAIT is nobody’s, a socket of another user is somebody’s', () => {
  const local = (port: number): Socket['local'] => ({ address: '127.0.0.1', port });
  const snapshot = makeSnapshot({
    sockets: [
      makeSocket({ local: local(3000), owners: [makeOwner({ name: 'node', pid: 7 })] }),
      makeSocket({
        local: local(3001),
        peer: { address: '127.0.0.1', port: 50_000 },
        state: 'TIME_WAIT',
        owners: [],
      }),
      makeSocket({ local: local(3002), owners: [], uid: 1000, user: 'ann' }),
    ],
  });
  const reports = [3000, 3001, 3002, 3003].map((port) =>
    explain({
      port,
      transports: ['tcp'],
      snapshot,
      claims: { claims: [], sources: {} },
      blocked: { source: 'fetch', ports: [] },
      defaults: [],
      source: (id) => ({ title: id, url: 'https://example.org', date: null }),
      call: 'portolan',
    }),
  );
  const text = renderTerminal(rangePage([3000, 3003], reports), options);
  expect(text).toMatch(/^3000 {2}listener, node \(pid 7\) /m);
  expect(text).toMatch(/^3001 {2}TIME_WAIT, no process /m);
  expect(text).toMatch(/^3002 {2}listener, a process of user ann /m);
  expect(text).toMatch(/^3003 {2}free /m);
});

test('an engine that did not answer, and systemd that did not', () => {
  const gaps = [
    makeGap({
      code: 'containers-unreadable',
      values: { engine: 'docker', path: '/run/docker.sock', reason: 'EACCES' },
      remedy: 'sudo portolan who 8080',
      coversUse: false,
    }),
    makeGap({
      code: 'activation-unreadable',
      values: { reason: 'ETIMEDOUT' },
      remedy: null,
      coversUse: false,
    }),
  ];
  const snapshot = makeSnapshot({ sockets: [proxied], gaps });
  const text = unbroken(
    renderTerminal(whoPage(8080, ['tcp'], useOf(snapshot, [8080, 8080], ['tcp'])), options),
  );
  expect(text).toContain('names and published ports of docker containers');
  expect(text).toContain('/run/docker.sock gave no answer (EACCES)');
  expect(text).toContain('sudo portolan who 8080');
  expect(text).toContain('systemctl gave no answer (ETIMEDOUT)');
});

test('names from outside print plainly', () => {
  const name = '\u001b[2Jevil\u202e\nFORGED';
  const forged = { ...proxied, publishes: { container: { ...web, name }, port: 80 } };
  const units = { socketUnit: name, serviceUnit: name };
  for (const text of [who([forged]), list(forged).join('\n'), who([{ ...activated, activation: units }])]) {
    expect(text).toContain('evil');
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/u);
    expect(text).not.toMatch(/^\s*FORGED/m);
  }
});
