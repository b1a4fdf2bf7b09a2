// Two services on one number: which pairs of fixed ports cannot both be had, and which are one thing said twice.
import type { AuditFinding, FixedPort } from '../model/audit.ts';
import { say } from '../model/message.ts';
import type { Holder } from '../model/report.ts';
import { formatPlace } from './audit-place.ts';
import { findingOf, type RuleContext } from './audit-rules.ts';
import { common, isAbout, mainOwnerOf, portsText } from './audit-words.ts';

/** Files that say what one program of a project does, in several words. */
const LOOSE: ReadonlySet<FixedPort['origin']> = new Set(['env', 'package-json', 'procfile', 'devcontainer']);

/** Findings `same-port-twice`: each names the other place, and is told at the later of the two. */
export function pairsOf(fixed: readonly FixedPort[], context: RuleContext): AuditFinding[] {
  const byPort = new Map<string, FixedPort[]>();
  const findings: AuditFinding[] = [];
  for (const port of fixed) {
    if (port.role !== 'binds' || port.origin === 'listener' || port.ports[1] - port.ports[0] >= WIDEST)
      continue;
    let met: FixedPort | undefined;
    for (let number = port.ports[0]; number <= port.ports[1]; number++) {
      const key = `${number}/${port.transport}`;
      const before = byPort.get(key);
      met ??= before?.find((other) => collide(other, port));
      if (before === undefined) byPort.set(key, [port]);
      else before.push(port);
    }
    if (met !== undefined) findings.push(twice(met, port, context));
    else {
      const stranger = strangerOn(port, context);
      if (stranger !== null) findings.push(held(port, stranger, context));
    }
  }
  return findings;
}

/** Widest run of ports that is one service's; wider ones are ranges to choose from. */
const WIDEST = 1024;

function twice(first: FixedPort, second: FixedPort, context: RuleContext): AuditFinding {
  const ports = common(first.ports, second.ports) ?? second.ports;
  const where = first.place === null ? first.service : `${first.service} (${formatPlace(first.place)})`;
  return findingOf(second, context, {
    id: 'same-port-twice',
    severity: 'high',
    ports,
    text: say('audit.twice', { ports: portsText(ports), one: where, other: second.service }),
    others: first.place === null ? [] : [first.place],
  });
}

function held(port: FixedPort, holder: Holder, context: RuleContext): AuditFinding {
  const owner = mainOwnerOf(holder);
  return findingOf(port, context, {
    id: 'same-port-twice',
    severity: 'high',
    ports: [holder.local.port, holder.local.port],
    text: say('audit.twice.held', {
      port: holder.local.port,
      who: say('who.process', { name: owner?.name ?? '', pid: owner?.pid ?? 0 }),
      service: port.service,
    }),
    holders: [holder],
  });
}

/** Can the two not be had at once? */
function collide(a: FixedPort, b: FixedPort): boolean {
  if (a.transport !== b.transport || !overlap(a.address, b.address)) return false;
  if (a.place !== null && b.place !== null && samePlace(a, b)) return false;
  if (a.enabled === false || b.enabled === false) return false;
  if (a.profile !== null || b.profile !== null) {
    if (a.profile === b.profile) return false;
    // A profile says what a product uses; a file may say the same of the same product.
    const [profile, other] = a.profile !== null ? [a, b] : [b, a];
    return !sharesWord(profile, other);
  }
  const loose = LOOSE.has(a.origin) || LOOSE.has(b.origin);
  if (loose && a.project !== null && a.project === b.project) {
    // Processes of one Procfile run side by side; scripts and variables are other words for the same program.
    return a.origin === 'procfile' && b.origin === 'procfile' && a.service !== b.service;
  }
  if (a.origin === 'compose' && b.origin === 'compose' && a.project === b.project)
    return a.service !== b.service;
  if (a.origin.startsWith('systemd') && b.origin.startsWith('systemd')) {
    return unitName(a.service) !== unitName(b.service);
  }
  // One workload may be described by a Service and by the pods behind it.
  if (a.origin === 'kubernetes' && b.origin === 'kubernetes') return a.service !== b.service;
  return a.service !== b.service || a.project !== b.project;
}

function sharesWord(profile: FixedPort, other: FixedPort): boolean {
  return isAbout(
    {
      id: '',
      ports: profile.ports,
      transports: [],
      service: profile.service,
      product: profile.about.join(' '),
      vendor: null,
      authority: 'default',
      note: null,
      source: '',
      confidence: 'verified',
    },
    other,
  );
}

function samePlace(a: FixedPort, b: FixedPort): boolean {
  return (
    a.place?.file === b.place?.file && a.place?.line === b.place?.line && a.place?.column === b.place?.column
  );
}

/** `web.socket` and `web.service` are one; so are the instances of a template and the template. */
function unitName(unit: string): string {
  return unit.replace(/\.(?:socket|service)$/, '').replace(/@.*$/, '@');
}

/** Addresses that a bind to one of them keeps from the other. */
function overlap(a: string | null, b: string | null): boolean {
  return a === null || b === null || a === b;
}

/** Programs that hold ports for containers. */
const ENGINES =
  /^(?:docker-proxy|dockerd|rootlessport|rootlesskit|conmon|slirp4netns|pasta(?:\.avx2)?|netavark|containerd|containerd-shim.*|com\.docker\.backend|k3s.*|kube-proxy|svclb.*)$/;

/** A listener on the port that is somebody else; null where it is its own, or where that cannot be told. */
function strangerOn(port: FixedPort, context: RuleContext): Holder | null {
  const judged = port.origin === 'compose' || port.origin.startsWith('systemd');
  if (!judged || port.enabled === false) return null;
  const base = unitName(port.service);
  const found = context.holders(port.ports, port.transport).find((holder) => {
    const owner = mainOwnerOf(holder);
    if (holder.kind !== 'listener' || owner === undefined || owner.inferred) return false;
    if (!overlap(port.address, anyAsNull(holder.local.address))) return false;
    if (port.origin === 'compose') {
      return holder.publishes === null && owner.container === null && !ENGINES.test(owner.name);
    }
    // Processes without a unit of their own may have been started by hand from it.
    const units = holder.owners.map(({ unit }) => unit).filter((unit) => unit !== null);
    const service = holder.activation?.socketUnit ?? null;
    if (service !== null && unitName(service) === base) return false;
    return (
      units.length > 0 &&
      units.every((unit) => unit.endsWith('.service') && unitName(unit) !== base) &&
      holder.owners.every(({ pid }) => pid !== 1)
    );
  });
  return found ?? null;
}

function anyAsNull(address: string): string | null {
  return address === '0.0.0.0' || address === '::' ? null : address;
}
