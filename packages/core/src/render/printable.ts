// Text from outside made safe to show: nothing a process calls itself may steer a terminal or hide what follows.

/**
 * C0 and C1 controls, DEL, line and paragraph separators, zero-width and bidirectional controls (Unicode
 * Technical Report 36), the byte order mark, tag characters, and lone surrogates.
 */
// biome-ignore format: one class a line
const UNSAFE = new RegExp(
  '[\\u0000-\\u001f\\u007f-\\u009f' +
    '\\u00ad\\u061c\\u115f\\u1160\\u180e\\u3164\\uffa0' +
    '\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f' +
    '\\ufeff\\ufff9-\\ufffb' +
    '\\u{e0000}-\\u{e007f}]' +
    '|[\\ud800-\\udfff]',
  'gu',
);

/** Most texts are of these characters alone, which is found out sooner. */
const PLAIN = /^[\x20-\x7e]*$/;

/** Replaces every unsafe character by its visible escape: `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE, visible);
}

/**
 * The same for what a translator of pages said: the isolates and the mark (U+200F) that it set itself stay. Those of
 * values from outside it has made visible already, so that none of them is left to stay.
 */
export function printableSaid(text: string): string {
  return text.replace(UNSAFE, (char) => (/[\u200f\u2066-\u2069]/.test(char) ? char : visible(char)));
}

function visible(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code === 0x0a) return '\\n';
  if (code === 0x0d) return '\\r';
  if (code === 0x09) return '\\t';
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/**
 * The same characters less those that JSON.stringify escapes by itself (C0 controls, lone surrogates), over UTF-16
 * code units: without the newlines of indented JSON among the matches it is four times as fast.
 */
const UNSAFE_IN_JSON =
  /[\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u3164\uffa0\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** JSON text whose strings hold no unsafe character raw: the value is the same, the bytes are harmless. */
export function printableJson(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE_IN_JSON, (char) =>
    [...Array(char.length).keys()]
      .map((index) => `\\u${char.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
