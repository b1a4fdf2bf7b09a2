// The AirPlay Receiver of macOS 12 and later: its ports, the program that has them, and the switch.
import { say } from '../model/message.ts';
import type { Remedy } from '../model/report.ts';
import type { Owner } from '../model/socket.ts';

/** TCP ports on which it listens. */
export const AIRPLAY_PORTS: ReadonlySet<number> = new Set([5000, 7000]);

const PROGRAM = 'ControlCenter';
const FILE = '/System/Library/CoreServices/ControlCenter.app/Contents/MacOS/ControlCenter';
/** lsof cuts names after nine characters where it is not asked for more. */
const LSOF_NAME = 9;

/** True for the program that receives AirPlay; by its name alone only where its file is not known. */
export function isAirplay({ name, exe }: Owner): boolean {
  if (exe !== null) return exe === FILE;
  return name.length >= LSOF_NAME && PROGRAM.startsWith(name);
}

/** Stopped it comes back; it has a switch. */
export const AIRPLAY_SWITCH: Remedy = {
  title: say('remedy.airplay'),
  commands: [],
  needsRoot: false,
  persistent: true,
  undo: [],
};
