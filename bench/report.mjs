// Figures to words: the tables for a terminal of 80 columns, and the same as plain data for JSON.
import { median } from './budgets.mjs';

const WIDTH = 80;
const LABEL = 34;

/** What the run was made on. */
export function headText(machine, rounds) {
  return [
    machineText(machine),
    `load ${machine.loadBefore} before; medians of ${rounds} rounds in random order, milliseconds`,
    'and megabytes (the most resident memory of any round)',
    '',
  ].join('\n');
}

function machineText({ cpu, cores, kernel, node, root }) {
  return `${cpu}, ${cores} cores; Linux ${kernel}; Node ${node}; ${root ? 'root' : 'no root, so no BPF'}`;
}

/** What was promised beside what was measured; nothing where no case with a budget was run. */
export function budgetText(budgets, machine) {
  if (budgets.length === 0) return '';
  const row = (question, beside, wanted, is, verdict) =>
    `${question.padEnd(32)}${beside.padEnd(13)}${wanted.padEnd(16)}${is.padStart(7)}  ${verdict}`.trimEnd();
  const out = ['budgets', machineText(machine), '', row('question', 'beside', 'wanted', 'is', '')];
  out.push('─'.repeat(WIDTH));
  for (const { question, beside, wanted, shown, verdict } of budgets)
    out.push(row(question, beside ?? '–', wanted, shown ?? '', verdict));
  return `${out.join('\n')}\n`;
}

/** The same as data. */
export function budgetJson({ shown: _shown, value, ...rest }) {
  return { ...rest, value: value === null ? null : Number(value.toFixed(3)) };
}

/** A case as text. */
export function caseText(result) {
  const out = [`${result.name}: ${result.title}`];
  const rows = measured(result);
  if (rows.length > 0) {
    out.push('', line('command', 'wall', 'from – to', 'CPU', 'MB'), '─'.repeat(WIDTH));
    for (const row of rows) {
      const range = `${ms(Math.min(...row.wallMs))} – ${ms(Math.max(...row.wallMs))}`;
      const peak = (Math.max(...row.peakBytes) / 1e6).toFixed(0);
      out.push(line(row.command.label, ms(median(row.wallMs)), range, ms(median(row.cpuMs)), peak));
    }
    out.push('');
    for (const row of rows.filter(({ firstByteMs }) => firstByteMs.length > 0))
      out.push(...folded(`${row.command.label}:`, streamPhrases(row)));
    for (const { label, text } of sentences(rows)) out.push(...folded(`${label} is`, text));
  }
  for (const reason of result.skipped) out.push(...folded('skipped:', [reason]));
  for (const reason of result.wrong) out.push(...folded('WRONG:', [reason]));
  return `${out.join('\n')}\n`;
}

/** A case as data. */
export function caseJson(result) {
  const rows = measured(result);
  return {
    name: result.name,
    load: result.load,
    skipped: result.skipped,
    wrong: result.wrong,
    commands: rows.map((row) => ({
      command: row.command.label,
      role: row.command.role,
      wallMs: figures(row.wallMs),
      cpuMs: figures(row.cpuMs),
      peakBytes: figures(row.peakBytes),
      outputBytes: figures(row.outputBytes),
      firstByteMs: row.firstByteMs.length === 0 ? null : figures(row.firstByteMs),
    })),
    ratios: pairs(rows).map(({ ours, peer, times }) => ({
      command: ours.command.label,
      peer: peer.command.label,
      timesAsFast: Number(times.toFixed(3)),
    })),
  };
}

function measured(result) {
  return result.rows.filter((row) => row.wallMs.length > 0);
}

/** Each command of ours with each peer, by the medians of the wall time. */
function pairs(rows) {
  const of = (role) => rows.filter((row) => row.command.role === role);
  return of('ours').flatMap((ours) =>
    of('peer').map((peer) => ({ ours, peer, times: median(peer.wallMs) / median(ours.wallMs) })),
  );
}

function streamPhrases(row) {
  const size = (median(row.outputBytes) / 1e6).toFixed(1);
  return [`${size} MB of output`, `its first byte after ${ms(median(row.firstByteMs))} ms`];
}

function sentences(rows) {
  const all = pairs(rows);
  return rows
    .map((row) => ({
      label: row.command.label,
      text: all
        .filter(({ ours }) => ours === row)
        .map(
          ({ peer, times }, index) =>
            `${ratio(times)}×${index === 0 ? ' as fast' : ''} as ${peer.command.short}`,
        ),
    }))
    .filter(({ text }) => text.length > 0);
}

/** A heading and phrases behind it, broken between phrases where a line would grow too long. */
function folded(heading, phrases) {
  const lines = [];
  let current = heading;
  phrases.forEach((phrase, index) => {
    const piece = index < phrases.length - 1 ? `${phrase},` : phrase;
    if (current !== heading && current.length + 1 + piece.length > WIDTH) {
      lines.push(current);
      current = `   ${piece}`;
    } else current = `${current} ${piece}`;
  });
  return [...lines, current];
}

function line(label, wall, range, cpu, peak) {
  return `${label.padEnd(LABEL)}${wall.padStart(9)}${range.padStart(20)}${cpu.padStart(10)}${peak.padStart(7)}`;
}

function ms(value) {
  return value.toFixed(value < 100 ? 1 : 0);
}

function ratio(value) {
  return value.toFixed(value < 10 ? 2 : 1);
}

function figures(samples) {
  const rounded = (value) => Number(value.toFixed(3));
  return {
    median: rounded(median(samples)),
    min: rounded(Math.min(...samples)),
    max: rounded(Math.max(...samples)),
    samples: samples.map(rounded),
  };
}
