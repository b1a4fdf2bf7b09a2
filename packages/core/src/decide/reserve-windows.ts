// Reserving ports on Windows: which of its four lists lack them, in which Hyper-V or WinNAT stand in the way, and the commands.
import type { PortRange } from '../model/port.ts';
import type { ReserveAction, WindowsList, WindowsStep } from '../model/reserve.ts';
import { commonRanges, joinRanges, withoutRanges } from './port-set.ts';

/** What would be done, one run of one list after the other. */
export interface WindowsPlan {
  readonly steps: readonly WindowsStep[];
  /** Parts of the asked ports that a range of no administrator has: adding would fail. */
  readonly overlaps: readonly PortRange[];
  /** Asked to be given back, in an administrator's run that is longer or shorter: netsh takes whole runs alone. */
  readonly inexact: readonly PortRange[];
}

/** The plan for these lists; nothing is read or run. */
export function planWindows(
  action: ReserveAction,
  asked: readonly PortRange[],
  lists: readonly WindowsList[],
): WindowsPlan {
  const ports = joinRanges(asked);
  const steps: WindowsStep[] = [];
  const overlaps: PortRange[] = [];
  const inexact: PortRange[] = [];
  for (const list of lists) {
    const administered = list.ranges.filter((range) => range.administered).map((range) => range.ports);
    if (action === 'reserve') {
      const others = list.ranges.filter((range) => !range.administered).map((range) => range.ports);
      const missing = withoutRanges(ports, joinRanges(administered));
      overlaps.push(...commonRanges(missing, joinRanges(others)));
      for (const run of missing) steps.push(stepOf(list, 'add', run));
    } else {
      for (const run of administered) {
        const inside = commonRanges([run], ports);
        if (inside.length === 0) continue;
        const [part] = inside;
        if (inside.length === 1 && part?.[0] === run[0] && part[1] === run[1]) {
          steps.push(stepOf(list, 'delete', run));
        } else inexact.push(run);
      }
    }
  }
  return { steps, overlaps: joinRanges(overlaps), inexact: joinRanges(inexact) };
}

/** Do all lists keep all of these ports back in an administrator's name, or none of them any of it? */
export function windowsDone(
  action: ReserveAction,
  asked: readonly PortRange[],
  lists: readonly WindowsList[],
): boolean {
  const { steps, inexact } = planWindows(action, asked, lists);
  return steps.length === 0 && inexact.length === 0;
}

function stepOf(
  { transport, family }: WindowsList,
  verb: WindowsStep['verb'],
  [first, last]: PortRange,
): WindowsStep {
  const args = (word: WindowsStep['verb']): string[] => [
    'int',
    family,
    word,
    'excludedportrange',
    `protocol=${transport}`,
    `startport=${first}`,
    `numberofports=${last - first + 1}`,
    'store=persistent',
  ];
  return { verb, args: args(verb), undo: args(verb === 'add' ? 'delete' : 'add') };
}
