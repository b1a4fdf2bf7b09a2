// `portolan mcp --allow-actions` in a network namespace of its own: a reservation that is planned, confirmed, undone, and
// refused where somebody has changed what the plan showed.
import type { PlanV1, ReserveV1 } from '@portolan/core';
import { expect } from 'vitest';
import { session } from '../cli/mcp-client.ts';
import { liveTest } from './namespace.ts';
import { list, setList } from './reserve-place.ts';

liveTest('a reservation is made by the id of its plan, and undone', { needs: ['root'] }, async (ns) => {
  await setList(ns, '9000-9001');
  const acting = await session(['--allow-actions'], { before: ns.door });
  ns.finally(() => acting.close());
  const plan = await acting.ask<PlanV1>('plan_reserve', { ports: ['60163', '7000-7002'], now: true });
  expect(await list(ns)).toBe('9000-9001');
  const done = await acting.ask<ReserveV1>('confirm', { id: plan.id });
  expect(done).toMatchObject({ format: 'portolan.reserve/1', applied: true, verified: true });
  expect(await list(ns)).toBe('7000-7002,9000-9001,60163');
  // There is nothing to do a second time.
  expect((await acting.ask<PlanV1>('plan_reserve', { ports: ['60163'], now: true })).id).toBe(null);
  const both = { ports: ['60163', '7000-7002'], now: true };
  // With `now` nothing was written down, so that it takes force to say that it is one's own.
  const own = await acting.ask<PlanV1>('plan_unreserve', both);
  expect(own.id).toBe(null);
  expect((own.change as ReserveV1).plan.refusal).toBe('not-ours');
  const back = await acting.ask<PlanV1>('plan_unreserve', { ...both, force: true });
  expect(await list(ns)).toBe('7000-7002,9000-9001,60163');
  await acting.ask<ReserveV1>('confirm', { id: back.id });
  expect(await list(ns)).toBe('9000-9001');
});

liveTest('a plan that is no longer so is not done', { needs: ['root'] }, async (ns) => {
  const acting = await session(['--allow-actions'], { before: ns.door });
  ns.finally(() => acting.close());
  const plan = await acting.ask<PlanV1>('plan_reserve', { ports: ['7000-7002'], now: true });
  // Somebody reserves a part of it meanwhile: what would be added is another list.
  await setList(ns, '7001');
  expect(await acting.refused('confirm', { id: plan.id })).toMatch(/not what the plan showed/);
  expect(await list(ns)).toBe('7001');
  expect(await acting.refused('confirm', { id: plan.id })).toMatch(/No plan waits/);
});
