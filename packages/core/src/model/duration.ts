// A length of time as a message.
import { type Message, say } from './message.ts';

/** Units of time, each with its seconds. */
const UNITS = [
  ['time.days', 86_400],
  ['time.hours', 3600],
  ['time.minutes', 60],
  ['time.seconds', 1],
] as const;

/** Seconds in the largest unit of which there are two at least, rounded; no less than a second. */
export function durationMessage(seconds: number): Message {
  const [key, size] = UNITS.find(([, unit]) => seconds >= 2 * unit) ?? ['time.seconds', 1];
  return say(key, { count: Math.max(1, Math.round(seconds / size)) });
}
