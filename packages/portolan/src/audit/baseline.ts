// The baseline: findings that are known and put up with, each with a reason, in a file that people review.
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type AuditDecision, type KnownFinding, PortolanError } from '@portolan/core';

const FORMAT = 'portolan.audit-baseline/1';

/** Reads a baseline. Throws USAGE for one that cannot be read, and for an entry without a reason. */
export function readBaseline(path: string): KnownFinding[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === undefined ? 'is no JSON' : `cannot be read (${code})`;
    throw new PortolanError('USAGE', `The baseline ${path} ${what}.`, {
      hint: `Write one with: portolan audit --write-baseline ${path}`,
      cause,
    });
  }
  const { format, known } = (value ?? {}) as { format?: unknown; known?: unknown };
  if (format !== FORMAT || !Array.isArray(known)) {
    throw new PortolanError(
      'USAGE',
      `The baseline ${path} is none: "format" should be "${FORMAT}" and "known" a list.`,
    );
  }
  return known.map((entry: unknown, index) => {
    const { finding, reason } = (entry ?? {}) as { finding?: unknown; reason?: unknown };
    if (typeof finding !== 'string' || finding === '') {
      throw new PortolanError('USAGE', `Entry ${index + 1} of the baseline ${path} has no "finding".`);
    }
    if (typeof reason !== 'string' || reason.trim() === '') {
      throw new PortolanError('USAGE', `The baseline ${path} gives no reason for “${finding}”.`, {
        hint: 'Each entry says in "reason" why the finding is put up with.',
      });
    }
    return { finding, reason };
  });
}

/** Every finding of a decision as known; those that the old file knows keep their reasons, the others get this one. */
export function knownOf(
  decision: AuditDecision,
  before: readonly KnownFinding[],
  reason: string,
): KnownFinding[] {
  const reasons = new Map(before.map((entry) => [entry.finding, entry.reason]));
  const all = [...decision.findings, ...decision.silenced.map(({ finding }) => finding)];
  const ids = [...new Set(all.map(({ fingerprint }) => fingerprint))].toSorted();
  return ids.map((finding) => ({ finding, reason: reasons.get(finding) ?? reason }));
}

/** Writes a baseline beside the old one and puts it in its place, so that a reader sees one or the other. */
export function writeBaseline(path: string, known: readonly KnownFinding[]): void {
  const temporary = join(dirname(path), `.${process.pid}.portolan-baseline`);
  try {
    const fd = openSync(temporary, 'wx', 0o644);
    try {
      writeSync(fd, `${JSON.stringify({ format: FORMAT, known }, null, 2)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (cause) {
    if (existsSync(temporary)) rmSync(temporary, { force: true });
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    throw new PortolanError('OUTPUT', `The baseline ${path} could not be written (${code}).`, { cause });
  }
}
