// Unit files of systemd (man systemd.syntax(7)): sections, assignments, continued lines, comments; and their words.
import { type Place } from '@portolan/core';
import type { TextFile } from './text-file.ts';

/** One assignment. The value is one text, whatever lines it was written over; `from` is the offset of each character. */
export interface UnitSetting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly from: readonly number[];
  readonly file: TextFile;
}

/** Every assignment, in order. */
export function unitSettings(file: TextFile): UnitSetting[] {
  const settings: UnitSetting[] = [];
  let section = '';
  let open: { key: string; value: string; from: number[] } | null = null;
  const close = (): void => {
    if (open !== null) settings.push({ section, file, ...trimmed(open) });
    open = null;
  };
  for (const { text, at } of file.lines()) {
    // Comments within a continued line are passed over.
    if (/^\s*[#;]/.test(text)) continue;
    if (open !== null && /^\s*$/.test(text)) {
      close();
      continue;
    }
    const continued = text.endsWith('\\');
    const body = continued ? text.slice(0, -1) : text;
    if (open === null) {
      const [, name] = /^\s*\[([^\]]+)\]\s*$/.exec(text) ?? [];
      if (name !== undefined) {
        section = name;
        continue;
      }
      const [head, key] = /^\s*([A-Za-z][\w-]*)\s*=/.exec(body) ?? [];
      if (head === undefined || key === undefined) continue;
      open = { key, value: '', from: [] };
      append(open, body.slice(head.length), at + head.length);
    } else append(open, body, at);
    if (continued) append(open, ' ', at + text.length - 1);
    else close();
  }
  close();
  return settings;
}

function append(open: { value: string; from: number[] }, text: string, at: number): void {
  open.value += text;
  for (let index = 0; index < text.length; index++) open.from.push(at + index);
}

function trimmed({
  key,
  value,
  from,
}: {
  key: string;
  value: string;
  from: number[];
}): Pick<UnitSetting, 'key' | 'value' | 'from'> {
  const lead = value.length - value.trimStart().length;
  const text = value.trim();
  return { key, value: text, from: from.slice(lead, lead + text.length) };
}

/** Where a piece of a setting's value stands. */
export function settingPlace({ file, from }: UnitSetting, at: number, length: number): Place {
  return file.place(from[at] ?? 0, length);
}
