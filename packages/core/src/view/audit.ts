// The page of an audit: how much was found, then finding by finding with ways out, then what is known and what was not seen.
import { formatPlace } from '../decide/audit-place.ts';
import { portsText } from '../decide/audit-words.ts';
import { claimName } from '../decide/claims.ts';
import type { AuditDecision, AuditFinding } from '../model/audit.ts';
import { listed, type Message, say } from '../model/message.ts';
import type { Remedy, Severity } from '../model/report.ts';
import type { Gap } from '../model/socket.ts';
import type { XsanDecision } from '../model/xsan.ts';
import { formatEndpoint, gapsNode, whoWords } from './holder-words.ts';
import { data, type Inline, joined, type Node, type Page, said } from './tree.ts';

/** The page. */
export function auditPage(decision: AuditDecision): Page {
  const { findings, silenced, unmatched, gaps, xsan } = decision;
  const nodes: Node[] = [answer(decision)];
  if (xsan !== null) nodes.push(xsanSection(xsan));
  if (findings.length > 0) {
    nodes.push({ kind: 'section', title: say('audit.section.findings'), nodes: groupsOf(findings) });
  }
  if (xsan?.proposal != null && findings.some(({ profile }) => profile === 'xsan')) {
    const { window, within, lines } = xsan.proposal;
    const inside = !xsan.checked
      ? 'xsan.proposal.unchecked'
      : within.length === 0
        ? 'xsan.proposal'
        : 'xsan.proposal.within';
    nodes.push({
      kind: 'section',
      title: say('xsan.section.proposal'),
      nodes: [
        {
          kind: 'para',
          inline: [said(say(inside, { ports: portsText(window), systems: listed(within, 5) }))],
        },
        { kind: 'commands', lines },
      ],
    });
  }
  if (silenced.length > 0 || unmatched.length > 0) nodes.push(baselineSection(decision));
  if (gaps.length > 0) nodes.push(gapsNode(gaps));
  return { nodes };
}

/** Most files that the second line names. */
const FILES_NAMED = 3;

function answer(decision: AuditDecision): Node {
  const { findings, silenced, fixed, scope, ephemeral, xsan } = decision;
  const worst = findings[0]?.severity;
  const grave = findings.filter(({ severity }) => severity === 'high').length;
  const first =
    findings.length > 0
      ? say(fixed.length === 0 ? 'audit.answer.found.xsan' : 'audit.answer.found', {
          count: findings.length,
          grave,
          ports: fixed.length,
        })
      : silenced.length > 0
        ? say(fixed.length === 0 ? 'audit.answer.known.xsan' : 'audit.answer.known', {
            count: silenced.length,
            ports: fixed.length,
          })
        : xsan !== null && fixed.length === 0
          ? say(
              xsan.present
                ? 'audit.answer.xsan.clean'
                : xsan.found.processes === null
                  ? 'audit.answer.xsan.unseen'
                  : 'audit.answer.xsan.none',
            )
          : say(fixed.length === 0 ? 'audit.answer.none' : 'audit.answer.clean', { count: fixed.length });
  // Nothing is called fine under a gap that could hide what is not.
  const open = findings.length === 0 && decision.gaps.some(hides);
  const looked: Message[] = [];
  if (scope.listeners) looked.push(say('audit.looked.listeners'));
  if (scope.units !== null) looked.push(say('audit.looked.units', { count: scope.units }));
  if (scope.files.length > 0)
    looked.push(say('audit.looked.files', { files: listed(scope.files, FILES_NAMED) }));
  if (scope.profiles.length > 0) {
    looked.push(
      say('audit.looked.profiles', {
        names: listed(scope.profiles, FILES_NAMED),
        count: scope.profiles.length,
      }),
    );
  }
  const range =
    ephemeral === null
      ? say('audit.range.unknown')
      : say('audit.range', { first: ephemeral[0], last: ephemeral[1] });
  return {
    kind: 'answer',
    severity: worst ?? (open ? 'medium' : fixed.length === 0 && xsan === null ? 'info' : 'good'),
    lines: [
      open
        ? [said(first, 'strong'), data(' '), said(say('audit.answer.open'), 'warn')]
        : [said(first, 'strong')],
      looked.length === 0 ? [said(range)] : [said(say('audit.looked', { what: { list: looked }, range }))],
    ],
  };
}

/** Gaps that could hide a finding, and not only who is behind a socket. */
function hides({ code, coversUse }: Gap): boolean {
  return coversUse || code.startsWith('audit-') || code === 'limits-unreadable';
}

/** Most findings that are shown in full; the JSON has all. */
const SHOWN = 60;

/** Findings on one fixed port stand together. */
function groupsOf(findings: readonly AuditFinding[]): Node[] {
  const groups = new Map<string, AuditFinding[]>();
  for (const finding of findings) {
    const where = finding.place === null ? finding.origin : formatPlace(finding.place);
    const key =
      finding.origin === 'fsports'
        ? 'xsan'
        : `${where} ${portsText(finding.ports)} ${finding.transport} ${finding.service}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [finding]);
    else group.push(finding);
  }
  const nodes: Node[] = [];
  let shown = 0;
  const told = new Set<string>();
  for (const group of groups.values()) {
    if (shown >= SHOWN) break;
    shown += group.length;
    nodes.push(groupNode(group, told));
  }
  if (shown < findings.length) {
    nodes.push({
      kind: 'para',
      inline: [said(say('audit.more', { count: findings.length - shown }), 'dim')],
    });
  }
  return nodes;
}

function groupNode(group: readonly AuditFinding[], told: Set<string>): Node {
  const [first] = group;
  if (first === undefined) return { kind: 'para', inline: [] };
  const xsan = first.origin === 'fsports';
  const what: Inline[][] = [
    ...(first.place === null ? [] : [[data(formatPlace(first.place), 'strong')]]),
    ...(xsan ? [] : [[data(`${portsText(first.ports)}/${first.transport}`, 'strong')]]),
    [
      data(first.service),
      data(' '),
      said(say('audit.origin', { origin: say(`audit.origin.${first.origin}`) }), 'dim'),
    ],
  ];
  if (first.variable !== null) {
    const { name, place } = first.variable;
    const words =
      place === null
        ? say('audit.variable.default', { name })
        : say('audit.variable', { name, where: formatPlace(place) });
    what.push([said(words, 'dim')]);
  }
  const claims = first.claims.map(claimName);
  return {
    kind: 'list',
    items: [
      {
        mark: null,
        inline: joined(what, '  '),
        nodes: [
          { kind: 'list', items: group.map((finding) => findingItem(finding, told)) },
          ...(claims.length === 0 || xsan
            ? []
            : [para(say('audit.claims', { names: listed([...new Set(claims)], 4) }))]),
          ...(first.holders.length === 0 || xsan ? [] : [para(heldWords(first))]),
        ],
      },
    ],
  };
}

function heldWords({ holders }: AuditFinding): Message {
  const [holder] = holders;
  if (holder === undefined) throw new Error('no holder');
  const who = holder.owners.length === 0 && holder.publishes === null ? say('who.unknown') : whoWords(holder);
  return say('audit.held', { who, where: formatEndpoint(holder.local), count: holders.length });
}

function para(message: Message): Node {
  return { kind: 'para', inline: [said(message, 'dim')] };
}

function findingItem(
  finding: AuditFinding,
  told: Set<string>,
): { mark: Severity; inline: Inline[]; nodes: Node[] } {
  const nodes: Node[] = [];
  if (finding.chance !== null && finding.basis !== null) {
    nodes.push(para(say('risk.chance', { percent: { share: finding.chance }, basis: finding.basis })));
  }
  // The same commands are told once; a way out without any, once a port.
  const fresh = finding.remedies.filter(({ title, commands }) => {
    const key = `${title.key} ${commands.length === 0 ? portKey(finding) : commands.join()}`;
    if (told.has(key)) return false;
    told.add(key);
    return true;
  });
  nodes.push(...remedyNodes(fresh));
  return {
    mark: finding.severity,
    inline: [said(finding.text), data(' '), data(`[${finding.id}]`, 'dim')],
    nodes,
  };
}

function portKey({ place, ports, transport }: AuditFinding): string {
  return `${place === null ? '' : formatPlace(place)} ${portsText(ports)}/${transport}`;
}

function remedyNodes(remedies: readonly Remedy[]): Node[] {
  return remedies.flatMap(({ title, commands, undo }): Node[] => [
    { kind: 'para', inline: [said(title)] },
    ...(commands.length === 0 ? [] : [{ kind: 'commands' as const, lines: commands }]),
    ...(undo.length === 0
      ? []
      : [
          { kind: 'para' as const, inline: [said(say('remedy.undo'), 'dim')] },
          { kind: 'commands' as const, lines: undo },
        ]),
  ]);
}

function xsanSection({ found, present, notes }: XsanDecision): Node {
  const { fsports, nameservers, nameserversFile, processes, folder, looked } = found;
  const lines: Message[] = [];
  if (fsports === null) lines.push(say('xsan.found.nofile', { looked: listed(looked, 3) }));
  else {
    const value = (part: { value: number } | null): string => String(part?.value ?? '—');
    lines.push(
      say('xsan.found.file', {
        file: fsports.file,
        min: value(fsports.min),
        max: value(fsports.max),
        alt: fsports.altPmap === null ? '' : `, AltPmap ${fsports.altPmap.value}`,
      }),
    );
  }
  if (nameservers !== null) {
    lines.push(
      say('xsan.found.nameservers', {
        file: nameserversFile ?? '',
        names: listed(nameservers, 4),
        count: nameservers.length,
      }),
    );
  } else if (folder !== null) lines.push(say('xsan.found.nonameservers'));
  lines.push(
    processes === null
      ? say('xsan.found.processes.unknown')
      : processes.length === 0
        ? say('xsan.found.noprocess')
        : say('xsan.found.processes', {
            names: listed(
              processes.map(({ name, pid }) => `${name} (pid ${pid})`),
              4,
            ),
          }),
  );
  return {
    kind: 'section',
    title: say(present ? 'xsan.section' : 'xsan.section.none'),
    nodes: [...lines, ...notes].map((line): Node => ({ kind: 'para', inline: [said(line)] })),
  };
}

function baselineSection({ silenced, unmatched }: AuditDecision): Node {
  const items = unmatched.map(({ finding, reason }) => ({
    mark: 'info' as const,
    inline: [said(say('audit.unmatched', { finding, reason }))],
    nodes: [],
  }));
  const nodes: Node[] = [];
  if (silenced.length > 0) nodes.push(para(say('audit.silenced', { count: silenced.length })));
  if (items.length > 0) nodes.push({ kind: 'list', items });
  return { kind: 'section', title: say('audit.section.baseline'), nodes };
}
