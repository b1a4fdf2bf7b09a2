// Help texts, made from the commands' and flags' own data.
import { PortolanError, wrapText } from '@portolan/core';
import type { CommandSpec } from './command.ts';
import { COMMANDS, PORT_COMMAND } from './commands.ts';
import { echo, type Flag, GLOBAL_FLAGS } from './flags.ts';
import { nearest } from './nearest.ts';

/** What people ask help for who mean a port. */
const PORT_WORDS: readonly string[] = ['port', 'help', PORT_COMMAND];

/** Refuses a word that was meant for a command and is none; a service name or a number is a port, and has help. */
export function checkTopic(word: string, asked: boolean): void {
  if (/\d/.test(word) || PORT_WORDS.includes(word.toLowerCase())) return;
  const near = nearest(word, Object.keys(COMMANDS));
  if (near === null && !asked) return;
  throw new PortolanError('USAGE', `There is no command “${echo(word)}”.`, {
    hint:
      near === null ? 'Commands are listed by portolan --help' : `Did you mean “portolan ${near} --help”?`,
  });
}

/** Help for one command, or for the program. */
export async function helpText(name: string | null): Promise<string> {
  const entry = name === null ? undefined : COMMANDS[name];
  return entry === undefined ? programHelp() : commandHelp(await entry.spec());
}

async function programHelp(): Promise<string> {
  const specs = await Promise.all(Object.values(COMMANDS).map((entry) => entry.spec()));
  const rows = specs.map((spec): [string, string] => [`portolan ${spec.usage}`, spec.summary]);
  return [
    'Portolan: what every network port is for, who is on it, what could take it.',
    '',
    'Usage:',
    ...table(rows),
    '',
    ...wrapText(
      'PORT may be written 60163, 60163/udp, :3000, localhost:3000, http://localhost:5173/x, 3000-3010 or https. Without a word, portolan lists.',
      WIDTH,
    ),
    '',
    'Everywhere:',
    ...flagLines(GLOBAL_FLAGS),
    '',
    'portolan COMMAND --help tells more. Exit codes: 2 usage, 3 could not look.',
    '',
  ].join('\n');
}

function commandHelp(spec: CommandSpec): string {
  return [
    `portolan ${spec.usage}`,
    '',
    ...wrapText(`${spec.summary[0]?.toUpperCase() ?? ''}${spec.summary.slice(1)}.`, WIDTH),
    '',
    ...(spec.flags.length === 0 ? [] : ['Flags:', ...flagLines(spec.flags), '']),
    'Everywhere:',
    ...flagLines(GLOBAL_FLAGS.filter(({ name }) => !spec.flags.some((flag) => flag.name === name))),
    '',
    'Examples:',
    ...spec.examples.flatMap(([command, what]) => [`  ${command}`, `      ${what}`]),
    '',
    ...wrapText(`Exit code: ${spec.exits}.`, WIDTH, 2),
    spec.name === PORT_COMMAND ? 'See also: portolan list, portolan who PORT, portolan search WORDS.' : '',
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function flagLines(flags: readonly Flag[]): string[] {
  return table(
    flags.map(({ name, short, value, summary, optional }): [string, string] => [
      `${short === undefined ? '' : `-${short}, `}--${name}${value === null ? '' : optional === true ? ` [${value}]` : ` ${value}`}`,
      summary,
    ]),
  );
}

/** Help is set to this width, which every terminal has. */
const WIDTH = 80;

/** Widest left column; a longer entry has its words on the next line. */
const LEFT_WIDTH = 24;

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(LEFT_WIDTH, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) => {
    const [first = '', ...more] = wrapText(right, WIDTH - width - 4);
    const rest = more.map((line) => `${' '.repeat(width + 4)}${line}`);
    if (left.length > width) return [`  ${left}`, `${' '.repeat(width + 4)}${first}`, ...rest];
    return [`  ${left.padEnd(width)}  ${first}`, ...rest];
  });
}
