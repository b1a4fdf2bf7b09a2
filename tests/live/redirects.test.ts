// Packet filter rules in the kernel, made with nft and both kinds of iptables: each redirected port is told as held,
// with its rule, and nothing else is.
import type { HolderV1 } from '@portolan/core';
import { expect } from 'vitest';
import { SINGLE } from '../binary/launcher.ts';
import { checked } from '../cli/program.ts';
import { BIN, gapsWithoutNative, liveTest, type Namespace, NOBODY, type WhoV1 } from './namespace.ts';

/** The first character that a terminal must never get from outside. */
const ESCAPE = '\u001b';

async function must(ns: Namespace, file: string, args: readonly string[]): Promise<void> {
  const ran = await ns.run(file, args);
  expect(ran.code, `${file} ${args.join(' ')}: ${ran.stderr}`).toBe(0);
}

/** Hands text to a program that reads rules from stdin. */
async function load(ns: Namespace, command: string, text: string): Promise<void> {
  await must(ns, 'sh', ['-c', `printf %s "$0" | ${command}`, text]);
}

/** What `who` tells of this namespace; others on this machine are none of a test's business. */
async function whoHere(
  ns: Namespace,
  port: number | string,
  args: readonly string[] = [],
  uid?: number,
): Promise<WhoV1> {
  const answer = await ns.who(port, args, uid === undefined ? {} : { uid });
  return { ...answer, holders: answer.holders.filter(({ namespace }) => namespace === null) };
}

/** The only redirect of the port, which nothing else holds; asked with and without native code. */
async function redirectOf(ns: Namespace, port: number | string): Promise<HolderV1> {
  const [plain, slow] = [await whoHere(ns, port), await whoHere(ns, port, ['--no-ffi'])];
  expect(slow.holders).toEqual(plain.holders);
  expect(plain.verdict).toBe('held');
  expect(plain.holders).toHaveLength(1);
  expect(ruleGaps(plain)).toEqual([]);
  const [holder] = plain.holders;
  if (holder === undefined) throw new Error('unreachable');
  expect(holder).toMatchObject({ kind: 'redirect', state: 'REDIRECT', owners: [] });
  return holder;
}

function ruleGaps({ gaps }: Pick<WhoV1, 'gaps'>): string[] {
  return gaps.filter(({ what }) => /rule/.test(what)).map(({ why }) => why);
}

async function isFree(ns: Namespace, port: number | string): Promise<void> {
  const answer = await whoHere(ns, port);
  expect(answer.holders).toEqual([]);
  expect(ruleGaps(answer)).toEqual([]);
  expect(answer.verdict).toBe('free');
}

liveTest('a namespace without rules has neither redirects nor a gap', { needs: ['root'] }, async (ns) => {
  for (const args of [[], ['--no-ffi']]) {
    const answer = await whoHere(ns, 8080, args);
    expect(answer.holders).toEqual([]);
    // Without native code only nft can tell that there are none.
    const blind = args.length > 0 && gapsWithoutNative().includes('redirects-no-tool');
    expect(ruleGaps(answer)).toHaveLength(blind ? 1 : 0);
  }
});

const NFT = `table ip mine {
  set several { type inet_service; flags interval; elements = { 7000, 7010-7019 } }
  chain inner { tcp dport 6000 dnat to 192.0.2.9:60; }
  chain pre {
    type nat hook prerouting priority dstnat;
    tcp dport 8080 redirect to :80 comment "the web"
    tcp dport 8443 dnat to 192.0.2.7:443
    udp dport 5300-5399 redirect to :53
    tcp dport @several dnat to 192.0.2.8
    tcp dport 6500 return
    tcp dport 6500 redirect to :1
    ip daddr 203.0.113.5 tcp dport 6600 redirect to :1
    ip daddr 127.0.0.0/8 tcp dport 6700 redirect to :1
    iifname "eth9" tcp dport 6800 redirect to :1
    jump inner
  }
  chain out {
    type nat hook output priority -100;
    tcp dport 9000 redirect to :90
    tcp dport 8080 redirect to :80
  }
}
`;

liveTest('rules of nft: redirect, dnat, ranges, sets, both hooks', { needs: ['root', 'nft'] }, async (ns) => {
  await load(ns, 'nft -f -', NFT);
  expect(await redirectOf(ns, 8080)).toMatchObject({
    local: { address: '0.0.0.0', port: 8080 },
    redirect: {
      family: 'ipv4',
      address: null,
      ports: [8080, 8080],
      target: { address: null, port: 80 },
      hooks: ['prerouting', 'output'],
      by: 'nftables',
      table: 'mine',
      chain: 'pre',
      maker: null,
      name: 'the web',
    },
  });
  expect(await redirectOf(ns, 8443)).toMatchObject({
    peer: { address: '192.0.2.7', port: 443 },
    redirect: { target: { address: '192.0.2.7', port: 443 }, hooks: ['prerouting'] },
  });
  expect(await redirectOf(ns, '5350/udp')).toMatchObject({
    transport: 'udp',
    local: { port: 5350 },
    redirect: { ports: [5300, 5399] },
  });
  expect(await redirectOf(ns, 7000)).toMatchObject({ peer: { address: '192.0.2.8', port: 7000 } });
  expect(await redirectOf(ns, 7015)).toMatchObject({ redirect: { ports: [7010, 7019] } });
  expect(await redirectOf(ns, 9000)).toMatchObject({ redirect: { hooks: ['output'], chain: 'out' } });
  expect(await redirectOf(ns, 6000)).toMatchObject({ redirect: { chain: 'inner' } });
  expect(await redirectOf(ns, 6700)).toMatchObject({ redirect: { address: '127.0.0.0/8' } });
  expect(await redirectOf(ns, 6800)).toMatchObject({ redirect: { target: { port: 1 } } });
  // Another transport, another port, a rule that never gets a packet, an address of somebody else.
  for (const port of ['80', '8080/udp', '5350/tcp', '7009', '6500', '6600']) await isFree(ns, port);

  const list = await ns.list();
  expect(list.holders.filter(({ kind }) => kind === 'redirect')).toHaveLength(9);
  const text = await ns.portolan(['list'], {});
  expect(text.stdout).toContain('5300–5399/udp');
  const report = await ns.portolan(['8080']);
  expect(report.stdout).toContain('a rule sends its packets to port 80 of this host');

  // A socket on the port is told beside the rule.
  await ns.robot.step({
    op: 'open',
    as: 'l',
    family: 'ipv4',
    type: 'tcp',
    bind: ['127.0.0.1', 8080],
    listen: 8,
  });
  const both = await whoHere(ns, 8080);
  expect(both.holders.map(({ kind }) => kind)).toEqual(['listener', 'redirect']);
});

/** Asks for the port on a connection of its own, by a source address of the loopback network. */
const CONNECT = `const s = require('node:net').connect({ host: '127.0.0.1', port: Number(process.argv[1]), localAddress: process.argv[2] });
s.on('data', (d) => process.stdout.write(d)).on('error', (e) => process.stdout.write(e.code));`;
const ANSWER = `for (const port of [9001, 9002]) require('node:net').createServer((s) => s.end(String(port))).listen(port, '127.0.0.1');
setInterval(() => 0, 1e6); process.stdout.write('up')`;

liveTest(
  'what an earlier rule keeps from a redirect makes it partial, as the kernel has it',
  { needs: ['root', 'nft', 'iptables-legacy'] },
  async (ns) => {
    const server = ns.background(process.execPath, ['-e', ANSWER]);
    await new Promise((resolve) => server.stdout?.once('data', resolve));
    const reach = async (port: number, from = '127.0.0.1'): Promise<string> =>
      (await ns.run(process.execPath, ['-e', CONNECT, String(port), from])).stdout;
    const before = (rule: string, priority = '-110', type = 'nat'): string =>
      `table ip early { chain out { type ${type} hook output priority ${priority}; ${rule}; }; }`;
    const redirect =
      'table ip t { chain out { type nat hook output priority -100; tcp dport 80 redirect to :9001; }; }';
    const source = 'ip saddr 127.9.0.0/24';
    for (const [rules, from9, partial] of [
      [redirect, '9001', undefined],
      [redirect.replace('tcp dport', `${source} return; tcp dport`), 'ECONNREFUSED', true],
      [`${redirect}; ${before(`${source} accept`)}`, '9001', undefined],
      [`${redirect}; ${before(`${source} notrack`, '-300', 'filter')}`, 'ECONNREFUSED', true],
      [`${redirect}; ${before(`${source} tcp dport 80 redirect to :9002`)}`, '9002', undefined],
      // Some other address of this host, and one of nobody's.
      [redirect.replace('tcp dport', 'ip daddr 127.0.0.7 return; tcp dport'), '9001', true],
      [redirect.replace('tcp dport', 'ip daddr 192.0.2.7 return; tcp dport'), '9001', undefined],
    ] as const) {
      await load(ns, 'nft -f -', `flush ruleset; ${rules}`);
      expect(await reach(80), rules).toBe('9001');
      expect(await reach(80, '127.9.0.5'), rules).toBe(from9);
      const found = (await whoHere(ns, 80)).holders.map((holder) => holder.redirect);
      const own = found.find((one) => one?.target.port === 9001);
      expect(own?.partial, rules).toBe(partial);
    }
    // The one that was registered last comes first, which no list tells.
    const second = redirect.replace('table ip t', 'table ip u').replace('9001', '9002');
    await load(ns, 'nft -f -', `flush ruleset; ${redirect}`);
    await load(ns, 'nft -f -', second);
    expect(await reach(80)).toBe('9002');
    for (const { redirect: one } of (await whoHere(ns, 80)).holders) expect(one?.partial).toBe(true);
    // The same between the tools, and the raw table of one keeps packets from both.
    await load(ns, 'nft -f -', 'flush ruleset');
    await must(ns, 'iptables-legacy', [
      '-t',
      'nat',
      '-A',
      'OUTPUT',
      '-p',
      'tcp',
      '--dport',
      '80',
      '-j',
      'REDIRECT',
      '--to-ports',
      '9002',
    ]);
    await load(ns, 'nft -f -', redirect);
    const both = (await whoHere(ns, 80)).holders.map((holder) => holder.redirect);
    expect(both.map((one) => [one?.by, one?.partial])).toEqual([
      ['nftables', true],
      ['iptables', true],
    ]);
    await must(ns, 'iptables-legacy', [
      '-t',
      'raw',
      '-A',
      'OUTPUT',
      '-p',
      'tcp',
      '--dport',
      '80',
      '-j',
      'CT',
      '--notrack',
    ]);
    expect(await reach(80)).toBe('ECONNREFUSED');
    await isFree(ns, 80);
  },
);

liveTest(
  'without rights the rules are a gap, with the command that shows them',
  { needs: ['nobody', 'nft'] },
  async (ns) => {
    await load(ns, 'nft -f -', NFT);
    for (const args of [[], ['--no-ffi']]) {
      const answer = await whoHere(ns, 8080, args, NOBODY);
      expect(answer.holders).toEqual([]);
      const gap = answer.gaps.find(({ what }) => what === 'rules that redirect ports');
      expect(gap?.why).toBe('no permission to read the packet filter');
      expect(gap?.remedy).toMatch(/^sudo .*who 8080$/);
    }
  },
);

liveTest('what is not followed is a gap and no guess', { needs: ['root', 'nft'] }, async (ns) => {
  await load(
    ns,
    'nft -f -',
    'table ip t {\n chain p {\n type nat hook prerouting priority dstnat;\n tcp dport & 0xf == 3 redirect to :3\n }\n}\n',
  );
  for (const args of [[], ['--no-ffi']]) {
    const answer = await whoHere(ns, 8080, args);
    expect(answer.holders).toEqual([]);
    const gap = answer.gaps.find(({ what }) => what.includes('packet filter'));
    expect(gap?.why).toContain('table t, chain p');
    expect(gap?.remedy).toBe('nft list ruleset');
  }
});

/** What kube-proxy writes in its iptables mode for a NodePort Service with two endpoints. */
const KUBE_IPTABLES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-EXT-TRDQX6CDXSWVY5LI - [0:0]
:KUBE-SVC-TRDQX6CDXSWVY5LI - [0:0]
:KUBE-SEP-5A3DF7WD3SVMRTMN - [0:0]
:KUBE-SEP-UTUVZSBGZHGJ7XAB - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-EXT-TRDQX6CDXSWVY5LI -m comment --comment "masquerade traffic for default/web:http external destinations" -j KUBE-MARK-MASQ
-A KUBE-EXT-TRDQX6CDXSWVY5LI -j KUBE-SVC-TRDQX6CDXSWVY5LI
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-NODEPORTS -p tcp -m comment --comment "default/web:http" -m tcp --dport 30080 -j KUBE-EXT-TRDQX6CDXSWVY5LI
-A KUBE-SEP-5A3DF7WD3SVMRTMN -s 10.244.1.5/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-5A3DF7WD3SVMRTMN -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.1.5:8080
-A KUBE-SEP-UTUVZSBGZHGJ7XAB -s 10.244.2.6/32 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-UTUVZSBGZHGJ7XAB -p tcp -m comment --comment "default/web:http" -m tcp -j DNAT --to-destination 10.244.2.6:8080
-A KUBE-SERVICES -d 10.107.7.7/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-TRDQX6CDXSWVY5LI
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-TRDQX6CDXSWVY5LI ! -s 10.244.0.0/16 -d 10.107.7.7/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-TRDQX6CDXSWVY5LI -m comment --comment "default/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-5A3DF7WD3SVMRTMN
-A KUBE-SVC-TRDQX6CDXSWVY5LI -m comment --comment "default/web:http -> 10.244.2.6:8080" -j KUBE-SEP-UTUVZSBGZHGJ7XAB
COMMIT
`;

for (const kind of ['legacy', 'nft'] as const) {
  const needs = ['root', `iptables-${kind}`] as const;

  liveTest(`kube-proxy’s rules in iptables (${kind}): a NodePort is held`, { needs }, async (ns) => {
    await load(ns, `iptables-${kind}-restore`, KUBE_IPTABLES);
    const holder = await redirectOf(ns, 30_080);
    expect(holder).toMatchObject({
      peer: { address: '10.244.1.5', port: 8080 },
      redirect: {
        by: 'iptables',
        table: 'nat',
        chain: 'KUBE-SEP-5A3DF7WD3SVMRTMN',
        maker: 'kubernetes',
        name: 'default/web:http',
        hooks: ['prerouting', 'output'],
      },
    });
    // The Service's own address is none of this host's: port 80 here is anybody's.
    await isFree(ns, 80);
    const text = await ns.portolan(['who', '30080']);
    expect(text.stdout).toContain('made by Kubernetes for default/web:http');
    // Where the address is this host's, as with IPVS or a plain alias, it is held.
    await must(ns, 'ip', ['address', 'add', '10.107.7.7/32', 'dev', 'lo']);
    expect(await redirectOf(ns, 80)).toMatchObject({ local: { address: '10.107.7.7', port: 80 } });
  });

  liveTest(`a port that Docker publishes with iptables (${kind})`, { needs }, async (ns) => {
    await load(
      ns,
      `iptables-${kind}-restore`,
      `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
-A DOCKER ! -i docker0 -p tcp -m multiport --dports 9000,9010:9019 -j DNAT --to-destination 172.17.0.3
COMMIT
`,
    );
    expect(await redirectOf(ns, 8080)).toMatchObject({
      redirect: { maker: 'docker', chain: 'DOCKER', target: { address: '172.17.0.2', port: 80 } },
    });
    expect(await redirectOf(ns, 9015)).toMatchObject({
      redirect: { ports: [9010, 9019], target: { port: null } },
    });
    for (const port of ['80', '8080/udp', '9009']) await isFree(ns, port);
  });

  liveTest(`hostile text in a rule’s comment (${kind}) prints plainly`, { needs }, async (ns) => {
    const comment = `a "q" \\ 'x' ${ESCAPE}[31mred\n-A PREROUTING -p tcp --dport 1 -j REDIRECT`;
    const rule = ['-p', 'tcp', '--dport', '8080', '-m', 'comment', '--comment', comment, '-j', 'REDIRECT'];
    await must(ns, `iptables-${kind}`, ['-t', 'nat', '-A', 'PREROUTING', ...rule, '--to-ports', '80']);
    expect((await redirectOf(ns, 8080)).redirect?.name).toBe(comment);
    await isFree(ns, 1);
    for (const args of [['who', '8080'], ['8080'], ['list'], ['who', '8080', '--json']]) {
      const ran = await ns.portolan([...args, ...(args.includes('--json') ? [] : ['--color', 'never'])]);
      expect(ran.code, ran.stderr).toBe(0);
      expect(ran.stdout).not.toContain(ESCAPE);
    }
  });
}

liveTest(
  'legacy rules where /proc has processes alone, and where there is no /proc',
  { needs: ['root', 'iptables-legacy', 'proc-subset'] },
  async (ns) => {
    await must(ns, 'ip', ['-6', 'route', 'add', 'local', '2001:db8::/64', 'dev', 'lo']);
    const nat = ['-t', 'nat', '-A', 'PREROUTING', '-p', 'tcp'];
    const redirect = ['-j', 'REDIRECT', '--to-ports', '9001'];
    await must(ns, 'iptables-legacy', [...nat, '-d', '127.0.0.1', '--dport', '80', ...redirect]);
    await must(ns, 'iptables-legacy', [...nat, '-d', '192.0.2.1', '--dport', '81', ...redirect]);
    await must(ns, 'ip6tables-legacy', [...nat, '-d', '2001:db8::5', '--dport', '82', ...redirect]);
    /** What the program says in mount and pid namespaces of its own, with this in the place of /proc. */
    const ask = async (mount: string, port: number): Promise<WhoV1> => {
      const script = `mount ${mount} /proc && exec "$@"`;
      const program = [process.execPath, BIN, 'who', String(port), '--json', '--here'];
      const ran = await ns.run('unshare', [
        '--mount',
        '--pid',
        '--fork',
        'sh',
        '-c',
        script,
        'sh',
        ...program,
      ]);
      return checked<WhoV1 & Record<string, unknown>>(ran.stdout);
    };
    for (const [port, address] of [
      [80, '127.0.0.1'],
      [82, '2001:db8::5'],
    ] as const) {
      const answer = await ask('-t proc -o subset=pid proc', port);
      expect(answer.holders).toMatchObject([
        { redirect: { by: 'iptables', address, target: { port: 9001 } } },
      ]);
      expect(ruleGaps(answer)).toEqual([]);
    }
    // Whose addresses are the host's own is known as well.
    expect((await ask('-t proc -o subset=pid proc', 81)).holders).toEqual([]);
    // The runtime of the single file does not start without /proc (docs/binaries.md).
    if (SINGLE !== null) return;
    const blind = await ask('-t tmpfs none', 80);
    expect(ruleGaps(blind)).toContain('this /proc has no list of the tables in use');
    expect(blind.gaps.find(({ what }) => what.includes('iptables-legacy'))?.remedy).toBe(
      'iptables-legacy-save -t nat',
    );
  },
);

liveTest(
  'a rule for an IPv6 address that only a route makes local',
  { needs: ['root', 'nft'] },
  async (ns) => {
    await must(ns, 'ip', ['-6', 'route', 'add', 'local', '2001:db8::/64', 'dev', 'lo']);
    const rule = (address: string, port: number): string =>
      `ip6 daddr ${address} tcp dport ${port} redirect to :9001;`;
    const rules = `${rule('2001:db8::5', 81)} ${rule('2001:db8:1::5', 82)}`;
    await load(
      ns,
      'nft -f -',
      `table inet t {
        chain pre { type nat hook prerouting priority dstnat; ${rules}; }
        chain out { type nat hook output priority -100; ${rules}; }
      }`,
    );
    await ns.robot.steps(
      { op: 'open', as: 's', family: 'ipv6', type: 'tcp', bind: ['::', 9001], listen: 1 },
      // It is the kernel's word that the address is this host's.
      { op: 'open', as: 'c', family: 'ipv6', type: 'tcp', connect: ['2001:db8::5', 81] },
      { op: 'accept', of: 's', as: 'a' },
    );
    expect(await redirectOf(ns, 81)).toMatchObject({
      redirect: { address: '2001:db8::5', target: { port: 9001 }, hooks: ['prerouting', 'output'] },
    });
    await isFree(ns, 82);
  },
);

liveTest('IPv6 rules of iptables', { needs: ['root', 'iptables-legacy'] }, async (ns) => {
  const rule = ['-p', 'tcp', '--dport', '8080', '-j', 'DNAT', '--to-destination', '[fd00::7]:80'];
  await must(ns, 'ip6tables-legacy', ['-t', 'nat', '-A', 'PREROUTING', ...rule]);
  expect(await redirectOf(ns, 8080)).toMatchObject({
    local: { address: '::', port: 8080 },
    peer: { address: 'fd00::7', port: 80 },
    redirect: { family: 'ipv6' },
  });
});

/** What kube-proxy writes in its nftables mode for a NodePort Service with two endpoints. */
const KUBE_NFT = `table ip kube-proxy {
  set nodeport-ips { type ipv4_addr; elements = { 127.0.0.1 } }
  map service-ips {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { 10.96.0.10 . tcp . 80 : goto service-NWBZK7IH-default/web/tcp/http }
  }
  map service-nodeports {
    type inet_proto . inet_service : verdict
    elements = { tcp . 30080 : goto external-NWBZK7IH-default/web/tcp/http }
  }
  chain mark-for-masquerade { meta mark set meta mark | 0x00004000 ; }
  chain endpoint-5OJB2KTY-default/web/tcp/http__10.244.1.5/8080 {
    ip saddr 10.244.1.5 jump mark-for-masquerade
    meta l4proto tcp dnat to 10.244.1.5:8080
  }
  chain endpoint-UHEGFW77-default/web/tcp/http__10.244.2.6/8080 {
    ip saddr 10.244.2.6 jump mark-for-masquerade
    meta l4proto tcp dnat to 10.244.2.6:8080
  }
  chain service-NWBZK7IH-default/web/tcp/http {
    ip daddr 10.96.0.10 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
    numgen random mod 2 vmap { 0 : goto endpoint-5OJB2KTY-default/web/tcp/http__10.244.1.5/8080, 1 : goto endpoint-UHEGFW77-default/web/tcp/http__10.244.2.6/8080 }
  }
  chain external-NWBZK7IH-default/web/tcp/http {
    jump mark-for-masquerade
    goto service-NWBZK7IH-default/web/tcp/http
  }
  chain services {
    ip daddr . meta l4proto . th dport vmap @service-ips
    ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
  }
  chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
  chain nat-output { type nat hook output priority -100; jump services; }
}
`;

liveTest('kube-proxy’s rules in nftables: a NodePort is held', { needs: ['root', 'nft'] }, async (ns) => {
  await load(ns, 'nft -f -', KUBE_NFT.replace(/ ; \}/g, '; }'));
  expect(await redirectOf(ns, 30_080)).toMatchObject({
    local: { address: '127.0.0.1', port: 30_080 },
    peer: { address: '10.244.1.5', port: 8080 },
    redirect: {
      by: 'nftables',
      table: 'kube-proxy',
      maker: 'kubernetes',
      name: 'default/web:http',
      hooks: ['prerouting', 'output'],
    },
  });
  for (const port of ['80', '30080/udp', '8080']) await isFree(ns, port);
});

liveTest('rules that only filter are nobody’s redirect', { needs: ['root', 'nft'] }, async (ns) => {
  await load(
    ns,
    'nft -f -',
    'table inet filter {\n chain in {\n type filter hook input priority 0;\n tcp dport 8080 drop\n }\n}\n',
  );
  await isFree(ns, 8080);
});
