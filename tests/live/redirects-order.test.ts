// Random chains in the kernel: where a connection really ends is where the rules that were read say it does.
import { createInterface } from 'node:readline';
import type { Redirect } from '@portolan/core';
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { liveTest, type Namespace, scenario } from './namespace.ts';

const FIRST = 7001;
const LAST = 7006;
/** Where rules send connections. */
const TARGETS = [7101, 7102, 7103];

/** Chains by depth: each may only call those below it. */
const CHAINS = ['top', 'middle', 'bottom'] as const;

interface Rule {
  readonly ports: readonly number[];
  readonly not: boolean;
  /** Matches no packet of these tests where false. */
  readonly here: boolean;
  readonly verdict: 'redirect' | 'return' | 'accept' | 'jump' | 'goto';
  readonly to: number;
}

const rule: fc.Arbitrary<Rule> = fc.record({
  ports: fc.uniqueArray(fc.integer({ min: FIRST, max: LAST }), { maxLength: 3 }),
  not: fc.boolean(),
  here: fc.integer({ min: 0, max: 5 }).map((number) => number > 0),
  verdict: fc.constantFrom('redirect', 'redirect', 'return', 'accept', 'jump', 'jump', 'goto', 'goto'),
  to: fc.nat(2),
});
const rules = fc.tuple(...CHAINS.map(() => fc.array(rule, { minLength: 1, maxLength: 5 })));

/** The chain a call leads to from this depth; the lowest chain calls none and returns instead. */
function callee(depth: number, { to }: Rule): string | undefined {
  return CHAINS[depth + 1 + (to % Math.max(1, CHAINS.length - depth - 1))];
}

function nftText(chains: readonly (readonly Rule[])[]): string {
  const texts = chains.map((list, depth) => {
    const lines = list.map((one) => {
      const set = `{ ${one.ports.join(', ')} }`;
      const ports = one.ports.length === 0 ? '' : `tcp dport ${one.not ? '!= ' : ''}${set} `;
      const next = callee(depth, one);
      const verdict =
        one.verdict === 'redirect'
          ? `redirect to :${TARGETS[one.to]}`
          : one.verdict === 'jump' || one.verdict === 'goto'
            ? next === undefined
              ? 'return'
              : `${one.verdict} ${next}`
            : one.verdict;
      return `  meta l4proto tcp ip daddr ${one.here ? '127.0.0.0/8' : '192.0.2.1'} ${ports}${verdict}\n`;
    });
    const base = depth === 0 ? '  type nat hook output priority -100;\n' : '';
    return ` chain ${CHAINS[depth]} {\n${base}${lines.join('')} }\n`;
  });
  return `flush ruleset\ntable ip order {\n${texts.toReversed().join('')}}\n`;
}

function iptablesText(chains: readonly (readonly Rule[])[]): string {
  const names = ['OUTPUT', 'middle', 'bottom'];
  const lines = chains.flatMap((list, depth) =>
    list.map((one) => {
      const ports =
        one.ports.length === 0 ? '' : `-m multiport ${one.not ? '! ' : ''}--dports ${one.ports.join(',')} `;
      const next = callee(depth, one);
      const verdict =
        one.verdict === 'redirect'
          ? `-j REDIRECT --to-ports ${TARGETS[one.to]}`
          : one.verdict === 'jump' || one.verdict === 'goto'
            ? next === undefined
              ? '-j RETURN'
              : `-${one.verdict === 'jump' ? 'j' : 'g'} ${next}`
            : `-j ${one.verdict.toUpperCase()}`;
      return `-A ${names[depth]} -d ${one.here ? '127.0.0.0/8' : '192.0.2.1'} -p tcp ${ports}${verdict}\n`;
    }),
  );
  return `*nat\n:OUTPUT ACCEPT [0:0]\n:middle - [0:0]\n:bottom - [0:0]\n${lines.join('')}COMMIT\n`;
}

/** Where these rules send a connection of a program here to 127.0.0.1; the port itself where they do not. */
function said(redirects: readonly Redirect[], port: number): number[] {
  const hits = redirects.filter(
    ({ transport, hooks, ports }) =>
      transport === 'tcp' && hooks.includes('output') && ports[0] <= port && ports[1] >= port,
  );
  return hits.length === 0 ? [port] : hits.map(({ target }) => target.port ?? port);
}

async function compare(
  ns: Namespace,
  load: string,
  text: (chains: readonly (readonly Rule[])[]) => string,
): Promise<void> {
  const child = ns.background(process.execPath, [scenario('echo-port.mjs'), '7001', '7103']);
  if (child.stdout === null) throw new Error('unreachable');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  let sent = 0;
  for (const chains of fc.sample(rules, { numRuns: 25, seed: 20_260_101 })) {
    const ran = await ns.run('sh', ['-c', `printf %s "$0" | ${load}`, text(chains)]);
    expect(ran.code, ran.stderr).toBe(0);
    const [snapshot] = await ns.look({ ports: [FIRST, LAST], transports: ['tcp'] });
    expect(snapshot?.gaps.filter(({ code }) => code.startsWith('redirects'))).toEqual([]);
    child.stdin?.write(`${FIRST} ${LAST}\n`);
    const answers = JSON.parse((await lines.next()).value as string) as Record<string, number>;
    for (let port = FIRST; port <= LAST; port++) {
      expect(said(snapshot?.redirects ?? [], port), `${port} of\n${text(chains)}`).toEqual([answers[port]]);
      if (answers[port] !== port) sent++;
    }
  }
  // Rules that send nothing anywhere would agree with anything.
  expect(sent).toBeGreaterThan(20);
}

liveTest('nftables: order, returns and calls are the kernel’s', { needs: ['root', 'nft'] }, (ns) =>
  compare(ns, 'nft -f -', nftText),
);

liveTest(
  'iptables: order, returns and calls are the kernel’s',
  { needs: ['root', 'iptables-legacy'] },
  (ns) => compare(ns, 'iptables-legacy-restore', iptablesText),
);
