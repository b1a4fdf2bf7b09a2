// A strict reader of Prometheus's text exposition format 0.0.4: what the format does not allow, throws. Stricter than the
// format in what Portolan keeps besides: each family has its help, then its type, then its samples, and no series twice.

export interface ReadFamily {
  readonly name: string;
  readonly kind: string;
  readonly samples: { readonly labels: Record<string, string>; readonly value: number }[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\]|\\\\[\\\\n])+)$`, 'su');
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`, 'su');
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^\\"]|\\[\\"n])*)"(,|$)/su;
const NUMBER = /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/** Families in the order in which they stand. */
export function readExposition(text: string): ReadFamily[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families: ReadFamily[] = [];
  let helped: string | null = null;
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    const help = HELP.exec(line);
    const type = TYPE.exec(line);
    if (help !== null) {
      if (helped !== null || families.some(({ name }) => name === help[1]))
        throw new Error(`help again: ${line}`);
      helped = help[1] ?? '';
    } else if (type !== null) {
      if (type[1] !== helped) throw new Error(`a type without its help: ${line}`);
      families.push({ name: helped, kind: type[2] ?? '', samples: [] });
      helped = null;
    } else {
      const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
      const family = families.at(-1);
      if (family === undefined || helped !== null || name !== family.name)
        throw new Error(`a sample of no family: ${line}`);
      if (!NUMBER.test(value)) throw new Error(`no number: ${line}`);
      const sample = { labels: readLabels(labels), value: numberOf(value) };
      const series = `${name} ${JSON.stringify(Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
      if (seen.has(series)) throw new Error(`the same series again: ${line}`);
      seen.add(series);
      family.samples.push(sample);
    }
  }
  if (helped !== null) throw new Error(`help without a type: ${helped}`);
  return families;
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const [whole, name, value, end] = LABEL.exec(rest) ?? [];
    if (whole === undefined || name === undefined || value === undefined)
      throw new Error(`no label: ${rest}`);
    if (Object.hasOwn(labels, name)) throw new Error(`the same label again: ${name}`);
    labels[name] = value.replace(/\\(.)/gsu, (_, char: string) => (char === 'n' ? '\n' : char));
    rest = rest.slice(whole.length);
    if (rest === '' && end === ',') throw new Error(`a comma at the end: ${text}`);
  }
  return labels;
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}
