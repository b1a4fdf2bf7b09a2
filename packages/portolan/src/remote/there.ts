// Remedies for a host that was asked over ssh: what would help there must be run there, and never here by mistake.
import type { AuditDecision, PortReport, Remedy } from '@portolan/core';
import { shellQuote } from '../program.ts';

/** A host that answers in the place of this one, and how a shell calls this program here. */
export interface There {
  readonly host: string;
  readonly call: string;
}

/** The report with commands that are run on that host. `portolan` in them is what that host has under this name. */
export function reportThere(report: PortReport, there: There): PortReport {
  return { ...report, risks: report.risks.map((risk) => withRemedies(risk, there)) };
}

/** The same for an audit. */
export function auditThere(decision: AuditDecision, there: There): AuditDecision {
  const { findings, silenced } = decision;
  return {
    ...decision,
    findings: findings.map((finding) => withRemedies(finding, there)),
    silenced: silenced.map((each) => ({ ...each, finding: withRemedies(each.finding, there) })),
  };
}

function withRemedies<T extends { readonly remedies: readonly Remedy[] }>(of: T, { host, call }: There): T {
  const over = (command: string): string => {
    const theirs = command.replace(`${call} `, 'portolan ');
    // With a terminal: sudo may ask for a password.
    return `ssh -t ${shellQuote(host)} ${shellQuote(theirs)}`;
  };
  const remedies = of.remedies.map((remedy) => ({
    ...remedy,
    commands: remedy.commands.map(over),
    undo: remedy.undo.map(over),
  }));
  return { ...of, remedies };
}
