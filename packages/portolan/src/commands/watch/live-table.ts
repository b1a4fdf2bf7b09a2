// The live table on a terminal: drawn over itself in place, so that whatever ends it, even kill -9, leaves an
// ordinary terminal with the last table on it.
import { type Claim, type PortRange, renderTerminal, type WatchEvent, watchPage } from '@portolan/core';
import type { Watch } from '@portolan/probe';
import type { Context } from '../../command.ts';

/** A flood of events is drawn so often at most. */
const DRAW_MS = 100;
/** Without events, how it watches is looked at this often. */
const REFRESH_MS = 2000;
/** Events that are kept to be drawn. */
const KEPT = 500;
const NARROWEST = 40;
/** Rows where the terminal does not tell. */
const USUAL_ROWS = 24;

/** Cursor up, erase below (ECMA-48 s8.3.22, s8.3.39); synchronized output keeps a terminal that has it from flicker. */
const UP = (lines: number): string => (lines === 0 ? '' : `\u001b[${lines}A`);
const ERASE_BELOW = '\u001b[J';
const ERASE_LINE_END = '\u001b[K';
const CLEAR = '\u001b[2J\u001b[H';
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';
/** What is too long for a line is cut there and not wrapped (DECAWM), or the lines could not be counted. */
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';

/** Draws a watch until it is ended. */
export class LiveTable {
  readonly #context: Context;
  readonly #watch: Watch;
  readonly #ports: PortRange | null;
  readonly #claimsOf: (port: number) => readonly Claim[];
  readonly #since: string;
  readonly #events: WatchEvent[] = [];
  readonly #counts: Record<WatchEvent['change'], number> = { opened: 0, closed: 0, changed: 0 };
  #drawn = '';
  #lines = 0;
  #soon: NodeJS.Timeout | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #forget: () => void = () => undefined;
  #failure: { readonly error: unknown } | null = null;

  constructor(
    context: Context,
    watch: Watch,
    ports: PortRange | null,
    claimsOf: (port: number) => readonly Claim[],
  ) {
    this.#context = context;
    this.#watch = watch;
    this.#ports = ports;
    this.#claimsOf = claimsOf;
    this.#since = context.io.now().toISOString();
  }

  begin(): void {
    const { io } = this.#context;
    this.#forget = io.onSignal(['SIGWINCH', 'SIGCONT'], () => {
      this.#guard(() => {
        // What stood there was broken anew at other columns: nobody knows where.
        io.out(CLEAR);
        this.#drawn = '';
        this.#lines = 0;
        this.#draw();
      });
    });
    this.#refresh = setInterval(() => this.#guard(() => this.#draw()), REFRESH_MS);
    this.#draw();
  }

  add(event: WatchEvent): void {
    this.#counts[event.change]++;
    this.#events.unshift(event);
    this.#events.length = Math.min(this.#events.length, KEPT);
    this.#soon ??= setTimeout(() => this.#guard(() => this.#draw()), DRAW_MS);
  }

  /** Draws what came last and leaves it there; throws what kept it from being drawn. */
  end(): void {
    this.#forget();
    clearInterval(this.#refresh);
    clearTimeout(this.#soon);
    if (this.#failure !== null) throw this.#failure.error;
    this.#draw();
  }

  /** A terminal that cannot be written to ends the watch. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failure ??= { error };
      this.#watch.close();
    }
  }

  #draw(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    const text = this.#frame();
    if (text === this.#drawn) return;
    const lines = text.trimEnd().split('\n');
    const body = lines.map((line) => `${line}${ERASE_LINE_END}\n`).join('');
    const up = this.#lines === 0 ? '' : `${UP(this.#lines)}\r`;
    this.#context.io.out(`${BEGIN_FRAME}${NO_WRAP}${up}${body}${ERASE_BELOW}${WRAP}${END_FRAME}`);
    this.#drawn = text;
    this.#lines = lines.length;
  }

  /** As many of the newest events as fit above the last line, where the cursor stands. */
  #frame(): string {
    const { io, lang, color, unicode } = this.#context;
    const size = io.size();
    const width = Math.max(NARROWEST, size?.columns ?? NARROWEST * 2);
    const rows = (size?.rows ?? USUAL_ROWS) - 1;
    const state = this.#watch.state();
    const page = (events: readonly WatchEvent[]): string =>
      renderTerminal(
        watchPage({
          events,
          counts: this.#counts,
          since: this.#since,
          ports: this.#ports,
          state,
          claimsOf: this.#claimsOf,
        }),
        { lang, width, color, unicode, fit: true },
      );
    const few = page(this.#events.slice(0, 1));
    const room = Math.max(1, rows - few.trimEnd().split('\n').length + 1);
    return this.#events.length <= 1 ? few : page(this.#events.slice(0, room));
  }
}
