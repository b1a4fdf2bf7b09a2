// What other systems have in place of Linux's list: their own commands, and what those cannot do.
import { type Message, say } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import type { ReserveAction } from '../model/reserve.ts';

/** Commands to be copied, and what to know about them. */
export interface ElsewhereWay {
  readonly commands: readonly string[];
  readonly undo: readonly string[];
  readonly notes: readonly Message[];
}

/** First port of macOS's default range (net.inet.ip.portrange.first and hifirst; bsd/netinet/in.h of xnu). */
const MACOS_FIRST = 49_152;
const HIGHEST = 65_535;

/** The way of a system (a value of process.platform) that is not Linux; `ports` ascending. */
export function reserveElsewhere(
  platform: string,
  action: ReserveAction,
  ports: readonly PortRange[],
): ElsewhereWay {
  if (platform === 'win32') return windows(action, ports);
  if (platform === 'darwin') return macos(action, ports);
  return { commands: [], undo: [], notes: [say('reserve.other.unknown', { system: platform })] };
}

function windows(action: ReserveAction, ports: readonly PortRange[]): ElsewhereWay {
  const each = (verb: 'add' | 'delete'): string[] =>
    ports.flatMap(([first, last]) =>
      ['ipv4', 'ipv6'].flatMap((family) =>
        ['tcp', 'udp'].map(
          (protocol) =>
            `netsh int ${family} ${verb} excludedportrange protocol=${protocol} startport=${first} numberofports=${last - first + 1} store=persistent`,
        ),
      ),
    );
  const [doIt, undo] = action === 'reserve' ? (['add', 'delete'] as const) : (['delete', 'add'] as const);
  return {
    commands: ['netsh int ipv4 show excludedportrange protocol=tcp', ...each(doIt)],
    undo: each(undo),
    notes: [
      say('reserve.other.win32'),
      say('reserve.other.win32.families'),
      say('reserve.other.win32.fails'),
      say('reserve.other.win32.bind'),
      say('reserve.other.unrun', { system: 'Windows' }),
    ],
  };
}

function macos(action: ReserveAction, ports: readonly PortRange[]): ElsewhereWay {
  const last = ports.at(-1)?.[1] ?? 0;
  const set = (first: number): string =>
    `sudo sysctl -w net.inet.ip.portrange.first=${first} net.inet.ip.portrange.hifirst=${first}`;
  const unrun = say('reserve.other.unrun', { system: 'macOS' });
  const none = say('reserve.other.darwin');
  if (last < MACOS_FIRST) {
    const outside = say('reserve.other.darwin.outside', { first: MACOS_FIRST, last: HIGHEST });
    return { commands: [], undo: [], notes: [none, outside, unrun] };
  }
  if (last === HIGHEST)
    return { commands: [], undo: [], notes: [none, say('reserve.other.darwin.top', { last }), unrun] };
  const [there, back] = [[set(last + 1)], [set(MACOS_FIRST)]];
  return {
    commands: action === 'reserve' ? there : back,
    undo: action === 'reserve' ? back : there,
    notes: [none, say('reserve.other.darwin.range', { last }), say('reserve.other.darwin.volatile'), unrun],
  };
}
