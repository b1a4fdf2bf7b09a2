// Figures to words: the tables for a terminal of 80 columns, and the same as plain data for JSON.

const WIDTH = 80;
const LABEL = 36;

/** What the run was made on. */
export function headText(machine, rounds) {
  const rights = machine.root ? 'root' : 'no root, so no BPF';
  return [
    `${machine.cpu}, ${machine.cores} cores; Linux ${machine.kernel}; Node ${machine.node}; ${rights}`,
    `load ${machine.loadBefore} before; medians of ${rounds} rounds in random order, milliseconds`,
    '',
  ].join('\n');
}

/** A case as text. */
export function caseText(result) {
  const out = [`${result.name}: ${result.title}`];
  const rows = measured(result);
  if (rows.length > 0) {
    out.push('', line('command', 'wall', 'from – to', 'CPU'), '─'.repeat(WIDTH));
    for (const row of rows) {
      const range = `${ms(Math.min(...row.wallMs))} – ${ms(Math.max(...row.wallMs))}`;
      out.push(line(row.command.label, ms(median(row.wallMs)), range, ms(median(row.cpuMs))));
    }
    out.push('');
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

function line(label, wall, range, cpu) {
  return `${label.padEnd(LABEL)}${wall.padStart(10)}${range.padStart(22)}${cpu.padStart(12)}`;
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

function median(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
