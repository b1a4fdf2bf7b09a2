// How likely a port is taken and when, put before the reader.

import { durationMessage } from '../model/duration.ts';
import { RESTART_SECONDS } from '../model/forecast.ts';
import { type Message, say } from '../model/message.ts';
import type { Risk } from '../model/report.ts';
import { type Node, said } from './tree.ts';

/** What is foretold for a risk. Of a port that is held now, only what a restart would meet is of interest. */
export function forecastNodes(
  risk: Pick<Risk, 'chance' | 'basis' | 'firstTakenSeconds' | 'restartChance'>,
  held: boolean,
): Node[] {
  const { chance, basis, firstTakenSeconds = null, restartChance = null } = risk;
  if (basis === null) return [];
  const para = (message: Message): Node => ({ kind: 'para', inline: [said(message)] });
  const nodes: Node[] = [];
  if (!held) {
    nodes.push(
      para(
        chance === null
          ? say('risk.chance.none', { basis })
          : say('risk.chance', { percent: { share: chance }, basis }),
      ),
    );
  }
  if (firstTakenSeconds === 0) nodes.push(para(say('forecast.first.now')));
  else if (firstTakenSeconds !== null && restartChance !== null) {
    const time = durationMessage(firstTakenSeconds);
    const percent = { share: restartChance };
    nodes.push(para(say('forecast.first', { time, seconds: RESTART_SECONDS, percent })));
  }
  return nodes;
}
