// Plain text broken at blanks to a width, for help and messages, which are no pages.
import { columns } from './width.ts';

/** Lines of at most `width` columns; further lines are indented by `hang`. A longer word stands alone. */
export function wrapText(text: string, width: number, hang = 0): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    const indent = lines.length === 0 ? 0 : hang;
    if (line !== '' && indent + columns(joined) > width) {
      lines.push(' '.repeat(indent) + line);
      line = word;
    } else line = joined;
  }
  return [...lines, ' '.repeat(lines.length === 0 ? 0 : hang) + line];
}
