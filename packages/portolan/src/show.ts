// How commands put their answer out: a page on the terminal, or JSON.
import { type Page, printableJson, renderTerminal } from '@portolan/core';
import type { Context } from './command.ts';

/** Width where nobody tells another. */
const DEFAULT_WIDTH = 80;
const NARROWEST = 40;

/** Writes a page as text. */
export function showPage(context: Context, page: Page): void {
  const { io } = context;
  const told = Number(io.env['COLUMNS']);
  const width = io.columns ?? (Number.isInteger(told) && told > 0 ? told : DEFAULT_WIDTH);
  io.out(
    renderTerminal(page, {
      lang: context.lang,
      width: Math.max(NARROWEST, width),
      color: context.color,
      unicode: context.unicode,
      fit: io.stdoutIsTerminal,
    }),
  );
}

/** Writes a value as JSON, two blanks deep. */
export function showJson(context: Context, value: unknown): void {
  context.io.out(`${printableJson(value, 2)}\n`);
}
