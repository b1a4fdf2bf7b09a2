// Measures one case: each answer is checked once, then all commands run in random order, round by round.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { locate } from './cases.mjs';
import { LoadRefused, quietEnvironment, shortOf } from './loads.mjs';

/**
 * The result of a case: { name, title, load, skipped, wrong, rows }. `skipped` holds reasons, for the case or for
 * single commands; `wrong` what was wrong with answers; a row is { command, wallMs, cpuMs, peakBytes, firstByteMs,
 * outputBytes } with all samples (of the first byte for commands that stream alone, else none).
 */
export async function measure(each, workshop, rounds, signal) {
  const result = { name: each.name, title: each.title, load: each.load, skipped: [], wrong: [], rows: [] };
  if (workshop.problem !== null) return { ...result, skipped: [workshop.problem] };
  let pid;
  try {
    pid = await workshop.load(each.load);
  } catch (error) {
    if (!(error instanceof LoadRefused)) throw error;
    return { ...result, skipped: [`the load could not be made: ${error.message}`] };
  }
  const { kind, holders, listeners, port } = each.load;
  const expected = { port, pid, sockets: kind === 'listeners' ? holders * listeners : 0 };
  const timed = timer(workshop, pid, signal);

  for (const command of each.commands) {
    const path = locate(command, workshop.program);
    if (path === null) {
      result.skipped.push(`${command.label}: ${command.absent ?? `${command.program} is not installed`}`);
      continue;
    }
    // The first run warms the caches, and its time does not count.
    const first = await timed(path, command, true);
    const problem = first.problem ?? checked(command, first.stdout, expected);
    if (problem !== null) result.wrong.push(`${command.label}: ${problem}`);
    else {
      const samples = { wallMs: [], cpuMs: [], peakBytes: [], firstByteMs: [], outputBytes: [] };
      result.rows.push({ command, path, ...samples });
    }
  }

  for (let round = 1; round <= rounds; round++) {
    progress(`${each.name}: round ${round} of ${rounds}`);
    try {
      await workshop.renew();
    } catch (error) {
      if (!(error instanceof LoadRefused)) throw error;
      progress('');
      result.wrong.push(`round ${round}: the load could not be renewed: ${error.message}`);
      break;
    }
    for (const row of shuffled(result.rows)) {
      const run = await timed(row.path, row.command, false);
      if (run.problem !== null) {
        progress('');
        result.wrong.push(`${row.command.label}, round ${round}: ${run.problem}`);
        continue;
      }
      row.wallMs.push(run.wallMs);
      row.cpuMs.push(run.cpuMs);
      row.peakBytes.push(run.peakBytes);
      row.outputBytes.push(run.outputBytes);
      if (row.command.streams) row.firstByteMs.push(run.firstByteMs);
    }
    // What was measured under a lesser load was not the question.
    const short = shortOf(each.load, pid);
    if (short === null) continue;
    progress('');
    result.wrong.push(`round ${round}: ${short}`);
    break;
  }
  progress('');
  return result;
}

/** An answer that cannot even be parsed is a wrong one. */
function checked(command, stdout, expected) {
  try {
    return command.check(stdout, expected);
  } catch (error) {
    return `the answer cannot be read: ${error.message}`;
  }
}

/** Runs commands through the C program `timed`, which enters the load's namespaces before the clock starts. */
function timer(workshop, pid, signal) {
  const env = quietEnvironment(workshop.folder);
  return async (path, command, keep) => {
    const until = command.streams ? 'first-byte' : 'whole';
    const emptied = command.cache === 'empty' ? mkdtempSync(join(workshop.folder, 'cache-')) : null;
    const child = spawn(workshop.program('timed'), [String(pid), until, path, ...command.args], {
      stdio: ['ignore', keep ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      detached: true,
      env: emptied === null ? env : { ...env, XDG_CACHE_HOME: emptied },
      cwd: workshop.folder,
    });
    const end = () => child.kill('SIGTERM');
    signal.addEventListener('abort', end);
    const [stdout, stderr, figures] = await Promise.all([
      keep ? textOf(child.stdout) : '',
      textOf(child.stderr),
      textOf(child.stdio[3]),
      new Promise((resolve, reject) => child.on('close', resolve).on('error', reject)),
    ]);
    signal.removeEventListener('abort', end);
    if (emptied !== null) rmSync(emptied, { recursive: true, force: true });
    signal.throwIfAborted();
    const match = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+)\n$/.exec(figures);
    const said = stderr.trim().split('\n', 1)[0] ?? '';
    if (match === null) return { problem: `could not be run (${said})` };
    const [code, wall, cpu, peak, size, firstByte] = match.slice(1).map(Number);
    return {
      problem: code === 0 ? null : `exit code ${code} (${said})`,
      stdout,
      wallMs: wall / 1e6,
      cpuMs: cpu / 1e3,
      peakBytes: peak * 1024,
      outputBytes: size,
      firstByteMs: firstByte / 1e6,
    };
  };
}

async function textOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** A copy in random order (Fisher and Yates), so that no command always runs after the same one. */
function shuffled(items) {
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last--) {
    const pick = Math.floor(Math.random() * (last + 1));
    [copy[last], copy[pick]] = [copy[pick], copy[last]];
  }
  return copy;
}

/** One line on a terminal that the next one replaces; nothing elsewhere. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
