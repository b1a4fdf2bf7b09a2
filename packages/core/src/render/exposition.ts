// Metrics as text, in Prometheus's exposition format 0.0.4.
import type { MetricFamily } from '../model/metrics.ts';
import type { Translator } from '../text/catalog.ts';

/** What a server says the text is. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Families with their help and type lines; each line ends with a line feed, the last too. */
export function renderExposition(families: readonly MetricFamily[], lang: Translator): string {
  return families
    .map(({ name, kind, help, samples }) =>
      [
        `# HELP ${name} ${escaped(lang.say(help), false)}`,
        `# TYPE ${name} ${kind}`,
        ...samples.map(({ labels, value }) => `${name}${labelText(labels)} ${numberText(value)}`),
        '',
      ].join('\n'),
    )
    .join('');
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value, true)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** Backslash and line feed are escaped everywhere, the quotation mark in label values alone. */
function escaped(text: string, quoted: boolean): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return quoted ? plain.replaceAll('"', '\\"') : plain;
}

/** As Go's strconv.ParseFloat reads it; JavaScript writes finite numbers so as well. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}
