// What is said of leases on standard error: that none is left, and what could not be seen.
import {
  type Gap,
  gapMessages,
  PortolanError,
  printable,
  type RuleCount,
  say,
  type Translator,
} from '@portolan/core';
import type { Context } from '../command.ts';

/** The error where every number is refused: which rule took how many. */
export function noneLeft(refused: readonly RuleCount[], lang: Translator): PortolanError {
  const list = refused.map(({ rule, count }) => say('lease.none.rule', { rule, count }));
  return new PortolanError('LEASES', lang.say(say('lease.none', { refused: { list } })), {
    hint: lang.say(say('pick.allow')),
  });
}

/** Gaps in a line each, for answers that are a number alone. */
export function tellGaps({ io, lang }: Context, gaps: readonly Gap[]): void {
  for (const gap of gaps) {
    if (gap.code !== 'leases-private' && !gap.coversUse) continue;
    const { what, why } = gapMessages(gap);
    io.err(`portolan: ${printable(lang.say(say('gap.title', { what })))}: ${printable(lang.say(why))}.\n`);
  }
}
