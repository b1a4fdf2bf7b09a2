// `portolan feedback`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'feedback',
  usage: 'feedback',
  summary: 'what readers of the served pages answered to “was this page useful?”',
  flags: [],
  examples: [['portolan feedback', 'how often each page was found useful, partly, or not']],
  exits: '0, 1 the file cannot be read',
};
