// The tools that act: a plan is shown and waits under an id, and only that id, once and in time, has exactly it done.
import { randomUUID } from 'node:crypto';
import {
  killDonePage,
  killDryPage,
  killJson,
  PortolanError,
  type PortRange,
  planJson,
  type ReserveAction,
  type ReservePlan,
  reserveJson,
  reservePage,
  say,
  type Transport,
} from '@portolan/core';
import { readPorts } from '../ask.ts';
import { planReservation, type ReserveWish } from '../collisions/reserving.ts';
import type { Context } from '../command.ts';
import { Grips } from '../commands/kill/act.ts';
import { cannotStop, carryOut, type KillWish, planKill, readAddress } from '../commands/kill/plan.ts';
import { type Answer, answerOf } from './answer.ts';
import { onePort } from './look.ts';

/** How long a plan waits, milliseconds. */
const WAITS_MS = 30_000;
/** Most plans that wait at once. */
const MOST = 16;

const BOTH: readonly Transport[] = ['tcp', 'udp'];

/** A plan that was shown. */
interface Waiting {
  readonly expiresAt: Date;
  readonly timer: NodeJS.Timeout;
  act(): Promise<Answer>;
  /** Lets go of what was held for it. */
  drop(): void;
}

/** Plans that wait for their confirmation. */
export class Plans {
  readonly #context: Context;
  readonly #waiting = new Map<string, Waiting>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** What would be stopped for a port. Its processes are held by their pidfds from here on, so that no other can be meant. */
  async kill(input: {
    port: string | number;
    address?: string | undefined;
    force: boolean;
    wait: number;
  }): Promise<Answer> {
    this.#room();
    const context = this.#context;
    const { range, transports } = await onePort(context, input.port);
    const wish: KillWish = {
      range,
      transports,
      force: input.force,
      waitSeconds: input.wait,
      address: readAddress(input.address, range[0]),
    };
    const { report, actions } = await planKill(context, wish);
    if (actions === null) throw new PortolanError('USAGE', `${cannotStop()}.`);
    const change = killJson(report, context.lang);
    const page = killDryPage(report, null);
    if (report.plan.targets.length === 0) return this.#told(null, change, answerOf(context, change, page));
    const grips = new Grips(actions);
    grips.hold(report.plan.targets);
    const id = this.#wait({
      async act() {
        const done = await carryOut(context, wish, report, actions, grips);
        return answerOf(context, killJson(done, context.lang), killDonePage(done));
      },
      drop: () => grips.close(),
    });
    return this.#told(id, change, answerOf(context, change, page));
  }

  /** What would be reserved or given back. */
  async reserve(
    action: ReserveAction,
    input: { ports: readonly string[]; now: boolean; force: boolean },
  ): Promise<Answer> {
    this.#room();
    const context = this.#context;
    const ports: PortRange[] = [];
    for (const word of input.ports) {
      const { range } = await readPorts(word, context.lang, () => context.facts(false));
      if (range[0] === 0) throw new PortolanError('USAGE', 'Port 0 is no port: it stands for “choose one”.');
      ports.push(range);
    }
    const wish: ReserveWish = {
      action,
      ports,
      transport: null,
      apply: false,
      nowOnly: input.now,
      prove: true,
      force: input.force,
      configRoot: null,
    };
    const tools = {
      look: (range: PortRange) => context.look({ ports: range, transports: BOTH, namespaces: false }),
      call: context.call(),
      ffi: !context.args.switches.has('no-ffi'),
      procRoot: undefined,
    };
    const { report, apply } = await planReservation(wish, tools);
    const change = reserveJson(report, context.lang);
    const answer = answerOf(context, change, reservePage(report));
    if (apply === null) return this.#told(null, change, answer);
    const shown = changeOf(report.plan);
    const id = this.#wait({
      async act() {
        let same = true;
        const agreed = (plan: ReservePlan): boolean => {
          same = changeOf(plan) === shown;
          return same;
        };
        const again = await planReservation({ ...wish, apply: true }, { ...tools, agreed });
        const done = again.apply === null ? again.report : await again.apply();
        if (!same || again.apply === null) {
          throw new PortolanError('USAGE', context.lang.say(say('mcp.changed')));
        }
        return answerOf(context, reserveJson(done, context.lang), reservePage(done));
      },
      drop: () => undefined,
    });
    return this.#told(id, change, answer);
  }

  /** Does what the plan of this id showed. Throws USAGE for an id that is none, too old or used. */
  async confirm(id: string): Promise<Answer> {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.expiresAt.getTime() <= this.#context.io.now().getTime()) {
      throw new PortolanError('USAGE', 'No plan waits under this id.', {
        hint: `An id is taken once, within ${WAITS_MS / 1000} seconds of its plan. Plan again, and show the plan before you confirm it.`,
      });
    }
    // Taken out before anything is done: a second confirmation finds nothing.
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    try {
      return await waiting.act();
    } finally {
      waiting.drop();
    }
  }

  /** Lets go of everything. */
  close(): void {
    for (const id of this.#waiting.keys()) this.#drop(id);
  }

  #room(): void {
    if (this.#waiting.size < MOST) return;
    throw new PortolanError('USAGE', `${MOST} plans wait already.`, {
      hint: 'Confirm one, or wait until they are too old.',
    });
  }

  #wait(plan: Pick<Waiting, 'act' | 'drop'>): string {
    const id = randomUUID();
    const expiresAt = new Date(this.#context.io.now().getTime() + WAITS_MS);
    const timer = setTimeout(() => this.#drop(id), WAITS_MS);
    timer.unref();
    this.#waiting.set(id, { ...plan, expiresAt, timer });
    return id;
  }

  #drop(id: string): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    waiting?.drop();
  }

  #told(id: string | null, change: Parameters<typeof planJson>[1], { text }: Answer): Answer {
    const { lang } = this.#context;
    const expiresAt = id === null ? undefined : this.#waiting.get(id)?.expiresAt;
    const last = id === null ? say('mcp.plan.none') : say('mcp.plan', { id, seconds: WAITS_MS / 1000 });
    return {
      json: planJson(id === null || expiresAt === undefined ? null : { id, expiresAt }, change),
      text: `${text}\n\n${lang.say(last)}`,
    };
  }
}

/** What a plan would change, to the byte. What others have in the list stays whatever is changed, and may change meanwhile. */
function changeOf({ ports, add, remove, files, refusal }: ReservePlan): string {
  return JSON.stringify({ ports, add, remove, files, refusal });
}
