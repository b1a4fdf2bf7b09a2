// A failure as people read it: the message and its hint, in lines of a usual width.
import { type PortolanError, printable, wrapText } from '@portolan/core';

/** Width of messages, whatever the terminal: they are short. */
const WIDTH = 80;

/** What stands before the message, the message, and each line of the hint with its indentation. */
export function failureText({ message, hint }: PortolanError, prefix = ''): string {
  return [`${prefix}${message}`, ...(hint?.split('\n') ?? [])]
    .flatMap((line) => {
      const indent = line.length - line.trimStart().length;
      const lines = wrapText(printable(line.trimStart()), WIDTH - indent);
      return lines.map((each) => `${' '.repeat(indent)}${each}\n`);
    })
    .join('');
}
