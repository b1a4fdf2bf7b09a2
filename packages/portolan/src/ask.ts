// From what the user typed to ports and transports, with help where it cannot be read.
import {
  PortolanError,
  type PortRange,
  parsePortQuery,
  say,
  type Translator,
  type Transport,
} from '@portolan/core';
import type { Facts } from '@portolan/facts';
import { COMMANDS, PORT_COMMAND } from './commands.ts';
import { echo } from './flags.ts';
import { nearest, nearestWords } from './nearest.ts';

/** Ports and transports that were asked for. */
export interface Asked {
  readonly range: PortRange;
  readonly transports: readonly Transport[];
}

/** What is asked about where no transport is named. */
const USUAL: readonly Transport[] = ['tcp', 'udp'];

/** Commands a word may have been meant for. */
const COMMAND_WORDS = [...Object.keys(COMMANDS).filter((name) => name !== PORT_COMMAND), 'help'];

/** Ports with commas between them, as reserve takes them. */
const SEVERAL = /^\s*\d+\s*,/;

/** Most names offered for one that is unknown. */
const NEAREST = 5;

/** Reads a port expression; a service name is looked up in the facts. Throws USAGE. */
export async function readPorts(raw: string, lang: Translator, facts: () => Promise<Facts>): Promise<Asked> {
  const result = parsePortQuery(raw);
  if (!result.ok) {
    throw new PortolanError(
      'USAGE',
      lang.say(say(`query.${result.problem}`, { input: echo(result.input) })),
      {
        hint: [...(SEVERAL.test(raw) ? [lang.say(say('query.one'))] : []), lang.say(say('query.hint'))].join(
          '\n',
        ),
      },
    );
  }
  const { query } = result;
  const transports = query.transport === null ? USUAL : [query.transport];
  if (query.kind === 'ports') return { range: query.range, transports };
  const opened = await facts();
  const places = opened.portsOfName(query.name);
  if (places === null) {
    const near = nearestWords(query.name, opened.names(), NEAREST);
    const command = nearest(query.name, COMMAND_WORDS);
    throw new PortolanError('USAGE', lang.say(say('query.service-unknown', { name: echo(raw.trim()) })), {
      hint: [
        ...(command === null ? [] : [lang.say(say('query.command-near', { command }))]),
        ...(near.length === 0 ? [] : [lang.say(say('query.service-near', { names: near.join(', ') }))]),
        lang.say(say('query.service-search', { name: query.name })),
        lang.say(say('query.hint')),
      ].join('\n'),
    });
  }
  const ports = [...new Set(places.map((place) => Number.parseInt(place, 10)))];
  const first = ports[0];
  if (first === undefined || ports.length > 1) {
    throw new PortolanError(
      'USAGE',
      lang.say(say('query.service-several', { name: query.name, ports: ports.slice(0, 12).join(', ') })),
      { hint: lang.say(say('query.service-pick')) },
    );
  }
  return { range: [first, first], transports };
}

/** Reads one port, for commands that take no range. */
export async function readPort(raw: string, lang: Translator, facts: () => Promise<Facts>): Promise<Asked> {
  const asked = await readPorts(raw, lang, facts);
  if (asked.range[0] !== asked.range[1]) {
    throw new PortolanError('USAGE', `One port is asked for here, not ${asked.range.join('-')}.`, {
      hint: `A run of ports, one line each: portolan ${asked.range.join('-')}`,
    });
  }
  return asked;
}

/** The port that `portolan COMMAND PORT` was given (null: `portolan PORT`), or USAGE with what is missing or too many. */
export function onlyPort(positionals: readonly string[], command: string | null): string {
  const [first, second] = positionals;
  const call = command === null ? 'portolan' : `portolan ${command}`;
  if (first === undefined) {
    throw new PortolanError('USAGE', 'A port is missing.', { hint: `As in: ${call} 3000` });
  }
  if (second === undefined) return first;
  if (command === null) {
    const near = nearest(first, COMMAND_WORDS);
    // Two words of which the second alone has a digit: the first was meant to say what to do.
    if (near !== null || (!/\d/.test(first) && /\d/.test(second))) {
      throw new PortolanError('USAGE', `There is no command “${echo(first)}”.`, {
        hint:
          near === null
            ? `Commands are listed by portolan --help; all about a port: portolan ${echo(second)}`
            : `Did you mean “portolan ${near}”?`,
      });
    }
  }
  throw new PortolanError(
    'USAGE',
    `One port is asked for, and “${echo(first)}” and “${echo(second)}” were given.`,
    { hint: 'Ask for each by itself; for a run of ports: portolan 3000-3010' },
  );
}

/** Reads the port that a server of ours is to listen on, as the flag's value. Throws USAGE. */
export async function readTcpPort(
  flag: string,
  raw: string,
  lang: Translator,
  facts: () => Promise<Facts>,
): Promise<number> {
  const { range, transports } = await readPort(raw, lang, facts);
  if (transports.includes('tcp')) return range[0];
  throw new PortolanError('USAGE', `--${flag} takes a TCP port, not “${echo(raw)}”.`, {
    hint: `As in: --${flag} ${range[0]}`,
  });
}
