// The forecast of a port against sockets that the kernel gave their ports itself.
import type { ReportV1 } from '@portolan/core';
import { expect } from 'vitest';
import { liveTest, type Namespace } from './namespace.ts';

const V4 = '127.0.0.1';
/** Servers that ask for port 0, as many as are opened. */
const SERVERS = 700;

async function overlap(ns: Namespace, port: string): Promise<ReportV1['risks'][number]> {
  const ran = await ns.portolan([port, '--json']);
  expect(ran.code, ran.stderr).toBe(0);
  const { risks } = JSON.parse(ran.stdout) as ReportV1;
  const found = risks.find(({ id }) => id === 'ephemeral-overlap');
  if (found === undefined) throw new Error(`no ephemeral-overlap for ${port}`);
  return found;
}

liveTest(
  'servers on port 0 with SO_REUSEADDR take odd ports of the lower half, and no others',
  {},
  async (ns) => {
    const ports = (await ns.robot.steps(
      ...Array.from({ length: SERVERS }, (_, index) => ({
        op: 'open' as const,
        as: `s${index}`,
        family: 'ipv4' as const,
        type: 'tcp' as const,
        reuse: true,
        bind: [V4, 0] as const,
        listen: 1,
      })),
    )) as number[];
    expect(ports.every((port) => port % 2 === 1 && port < 46_884)).toBe(true);
    const chance = async (port: number): Promise<number | null> => (await overlap(ns, `${port}/tcp`)).chance;
    expect(await chance(46_883)).toBeCloseTo(SERVERS / 7058, 9);
    expect(await chance(60_163)).toBe(0);
    expect(await chance(60_162)).toBe(0);
    // A service on another address of its own meets none of them.
    const why = async (address: string): Promise<number | null> => {
      const ran = await ns.portolan(['why', '46883', '--address', address, '--json']);
      const { risks } = JSON.parse(ran.stdout) as Pick<ReportV1, 'risks'>;
      return risks.find(({ id }) => id === 'ephemeral-overlap')?.chance ?? null;
    };
    if (!ports.includes(46_883)) {
      expect(await why('0.0.0.0')).toBeCloseTo(SERVERS / 7058, 9);
      expect(await why('127.0.0.2')).toBe(0);
    }
    // In the list every one of them has its forecast.
    const listed = await ns.portolan(['list', '--json']);
    const { forecasts } = JSON.parse(listed.stdout) as {
      forecasts: { local: { port: number }; chance: number }[];
    };
    expect(forecasts.map(({ local }) => local.port).toSorted((a, b) => a - b)).toEqual(
      ports.toSorted((a, b) => a - b),
    );
    for (const { chance: share } of forecasts) expect(share).toBeCloseTo(SERVERS / 7058, 9);
    expect((await ns.portolan(['list'])).stdout).toContain('700 listeners lie in 32768–60999');
  },
);

liveTest(
  'connections that were closed tell the rate, and the kernel’s count where it has a beginning',
  { ownPids: true },
  async (ns) => {
    const tcp = { op: 'open', family: 'ipv4', type: 'tcp' } as const;
    await ns.robot.step({ ...tcp, as: 'l', reuse: true, bind: [V4, 5000], listen: 64 });
    for (let index = 0; index < 30; index++) {
      await ns.robot.steps(
        { ...tcp, as: 'c', connect: [V4, 5000] },
        { op: 'accept', of: 'l', as: 'a' },
        { op: 'close', of: 'c' },
        { op: 'close', of: 'a' },
      );
    }
    const even = await overlap(ns, '60162/tcp');
    expect(even.chance).toBeCloseTo(30 / 14_116, 9);
    // The namespace is some seconds old: the kernel's count says more than a sixtieth of what waits.
    expect(even.basis).toMatch(/30 connections have been opened here in \d+ seconds?/);
    expect(even.firstTakenSeconds).toBeLessThan((14_116 / 30) * 60);
    expect(even.restartChance).toBeGreaterThan(0);
    const odd = await overlap(ns, '60163/tcp');
    expect(odd).toMatchObject({ chance: 0, firstTakenSeconds: null, restartChance: null });
  },
);
