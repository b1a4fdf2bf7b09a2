// How likely a port is taken and when, put before the reader.
import { RESTART_SECONDS } from '../decide/risks.ts';
import { type Message, say } from '../model/message.ts';
import type { Risk } from '../model/report.ts';
import { type Node, said } from './tree.ts';

/** What is foretold for a risk. Of a port that is held now, only what a restart would meet is of interest. */
export function forecastNodes(risk: Risk, held: boolean): Node[] {
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

/** Units of time, each with the seconds from which it is used. */
const UNITS = [
  ['forecast.days', 86_400],
  ['forecast.hours', 3600],
  ['forecast.minutes', 60],
  ['forecast.seconds', 1],
] as const;

/** A time in its largest unit of which there are two at least, rounded: nobody can rely on more. */
export function durationMessage(seconds: number): Message {
  const [key, size] = UNITS.find(([, unit]) => seconds >= 2 * unit) ?? ['forecast.seconds', 1];
  return say(key, { count: Math.max(1, Math.round(seconds / size)) });
}
