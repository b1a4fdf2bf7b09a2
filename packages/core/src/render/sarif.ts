// Findings of an audit as SARIF 2.1.0 (OASIS standard of 2020-03-27), for code hosts that show them beside the lines.
import {
  type AuditDecision,
  type AuditFinding,
  FINDING_IDS,
  type FindingId,
  type Place,
} from '../model/audit.ts';
import { say } from '../model/message.ts';
import type { Severity } from '../model/report.ts';
import type { Translator } from '../text/catalog.ts';

/** What a SARIF log says of the program that made it. */
export interface SarifOptions {
  readonly version: string;
  /** `file:///srv/project/`, what relative paths are below; it ends with a slash. */
  readonly root: string;
}

const LEVEL: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
};

/** Base of paths that are not below the folder where the program ran (SARIF s3.14.14, s3.4.4). */
const SYSTEM_BASE = 'SYSTEM';
const PROJECT_BASE = '%SRCROOT%';

/** One region of one file (SARIF s3.30): an exact line and columns of UTF-16 units. */
interface SarifLocation {
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string; readonly uriBaseId: string };
    readonly region: { readonly startLine: number; readonly startColumn: number; readonly endColumn: number };
  };
}

/** The log, one run; findings that a baseline knows are in it as suppressed, so that code hosts close them. */
export function auditSarif(decision: AuditDecision, lang: Translator, options: SarifOptions): object {
  const all = [...decision.findings.map((finding) => ({ finding, reason: null })), ...decision.silenced];
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'portolan',
            semanticVersion: options.version,
            rules: FINDING_IDS.map((id) => ({
              id,
              shortDescription: { text: lang.say(say(`audit.rule.${id}.title`)) },
              fullDescription: { text: lang.say(say(`audit.rule.${id}.help`)) },
              help: { text: lang.say(say(`audit.rule.${id}.help`)) },
              defaultConfiguration: { level: 'warning' },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: {
          [PROJECT_BASE]: { uri: options.root },
          [SYSTEM_BASE]: { uri: 'file:///' },
        },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: decision.gaps.map(({ code, values }) => ({
              level: 'note',
              message: {
                text: `${lang.say(say(`gap.${code}.what`, values))}: ${lang.say(say(`gap.${code}.why`, values))}`,
              },
            })),
          },
        ],
        results: all.map(({ finding, reason }) => resultOf(finding, reason, lang)),
      },
    ],
  };
}

function resultOf(finding: AuditFinding, reason: string | null, lang: Translator): object {
  const { id, severity, place, others, remedies, fingerprint } = finding;
  const help = remedies
    .map(({ title, commands }) => [lang.say(title), ...commands.map((line) => `  ${line}`)].join('\n'))
    .join('\n');
  const text = lang.say(finding.text);
  return {
    ruleId: id,
    ruleIndex: ruleIndex(id),
    level: LEVEL[severity],
    message: { text: help === '' ? text : `${text}\n${help}` },
    locations:
      place === null
        ? [
            {
              logicalLocations: [
                { fullyQualifiedName: `${finding.port}/${finding.transport} ${finding.service}`.trim() },
              ],
            },
          ]
        : [locationOf(place)],
    ...(others.length === 0
      ? {}
      : { relatedLocations: others.map((other, index) => ({ id: index + 1, ...locationOf(other) })) }),
    partialFingerprints: { 'portolanFinding/v1': fingerprint },
    ...(reason === null ? {} : { suppressions: [{ kind: 'external', justification: reason }] }),
  };
}

function ruleIndex(id: FindingId): number {
  return FINDING_IDS.indexOf(id);
}

function locationOf({ file, line, column, endColumn }: Place): SarifLocation {
  const outside = file.startsWith('/');
  const path = (outside ? file.slice(1) : file).split('/').map(encodeURIComponent).join('/');
  return {
    physicalLocation: {
      artifactLocation: { uri: path, uriBaseId: outside ? SYSTEM_BASE : PROJECT_BASE },
      region: { startLine: line, startColumn: column, endColumn },
    },
  };
}
