// Xsan: what of it is here, what its window of ports collides with, and a window that collides with nothing.
import type { AuditFinding, FindingId, Place } from '../model/audit.ts';
import type { Claim, EphemeralDefault } from '../model/claim.ts';
import { listed, type Message, say } from '../model/message.ts';
import { inRange, type PortRange, rangeSize, type Transport } from '../model/port.ts';
import type { Holder, Remedy, Risk, Severity } from '../model/report.ts';
import type { HostLimits } from '../model/socket.ts';
import type { Fsports, XsanDecision, XsanFound, XsanProposal } from '../model/xsan.ts';
import {
  canReserve,
  fingerprintOf,
  NODE_PORTS,
  narrow,
  overlapRisk,
  reserveRemedy,
  systemsWith,
} from './audit-rules.ts';
import { common, mainOwnerOf, portsText, without } from './audit-words.ts';
import { claimName, isWide } from './claims.ts';
import { proposeWindow } from './xsan-window.ts';

/** What is said of Xsan is made from this. */
export interface XsanInput {
  readonly found: XsanFound;
  readonly limits: HostLimits;
  readonly platform: string;
  readonly holders: readonly Holder[];
  /** False where a gap could hide a holder. */
  readonly allSeen: boolean;
  readonly defaults: readonly EphemeralDefault[];
  /** Every claim there is. */
  readonly allClaims: readonly Claim[];
  readonly claims: (port: number) => readonly Claim[];
  readonly risks: (port: number, transports: readonly Transport[]) => readonly Risk[];
  /** The fsports file that a remedy writes, quoted for a shell. */
  readonly target: string;
}

/** Processes of Xsan and StorNext that bind ports (macOS man pages fsm(8), fsmpm(8)). */
export const XSAN_PROCESSES: readonly string[] = ['fsm', 'fsmpm'];

/** As many ports as the example that ships with the software sets aside. */
const EXAMPLE_SIZE = 101;

/** The server processes bind both (macOS man page fsports(4)). */
const BOTH: readonly Transport[] = ['tcp', 'udp'];

const SOURCES: readonly string[] = ['macos-man-fsports'];

/** The decision and its findings. */
export function xsanOf(input: XsanInput): { decision: XsanDecision; findings: AuditFinding[] } {
  const { found } = input;
  const { fsports } = found;
  const window = windowOf(fsports);
  const present =
    fsports !== null ||
    found.nameservers !== null ||
    (found.processes ?? []).length > 0 ||
    xsanHolders(input).length > 0;
  const proposal = propose(input, window);
  const make = new Findings(input, proposal);
  if (fsports === null) {
    if (present) make.withoutFile();
  } else {
    make.broken(fsports);
    if (window !== null) make.window(window, fsports);
    make.altPmap(fsports, window);
  }
  return {
    decision: {
      found,
      present,
      window,
      proposal,
      checked: input.limits.ephemeral !== null && input.limits.reserved !== null && input.allSeen,
      notes: notesOf(input, window, present),
    },
    findings: make.all,
  };
}

function windowOf(fsports: Fsports | null): PortRange | null {
  const { min = null, max = null } = fsports ?? {};
  return min !== null && max !== null && min.value <= max.value ? [min.value, max.value] : null;
}

function xsanHolders({ holders }: XsanInput): Holder[] {
  return holders.filter((holder) => holder.namespace === null && isXsans(holder));
}

function isXsans(holder: Holder): boolean {
  return XSAN_PROCESSES.includes(mainOwnerOf(holder)?.name ?? '');
}

function propose(input: XsanInput, window: PortRange | null): XsanProposal | null {
  const { limits, holders, allClaims, defaults } = input;
  const altPmap = input.found.fsports?.altPmap ?? null;
  const never: PortRange[] = [
    ...(limits.ephemeral === null ? [] : [limits.ephemeral]),
    ...(limits.reserved ?? []),
    NODE_PORTS,
    ...holders
      .filter((holder) => holder.namespace === null && !isXsans(holder))
      .map(({ local }): PortRange => [local.port, local.port]),
    ...allClaims.filter((claim) => !isWide(claim)).map(({ ports }) => ports),
    ...(altPmap === null ? [] : [[altPmap.value, altPmap.value] as const]),
  ];
  const made = proposeWindow({
    size: window === null ? EXAMPLE_SIZE : rangeSize(window),
    // A window that is in use is as wide as somebody found it had to be.
    keepSize: window !== null,
    never,
    defaults,
  });
  if (made === null || altPmap === null) return made;
  return { ...made, lines: [...made.lines, `AltPmap ${altPmap.value}`] };
}

/** What is to be known besides what is wrong. */
function notesOf(
  { limits, platform, found }: XsanInput,
  window: PortRange | null,
  present: boolean,
): Message[] {
  const notes: Message[] = [];
  const [first, last] = limits.ephemeral ?? [];
  if (found.fsports === null) {
    notes.push(say(present ? 'xsan.note.os' : 'xsan.note.os.absent'));
    if (platform !== 'darwin' && first !== undefined && last !== undefined) {
      notes.push(say('xsan.note.os.here', { first, last }));
    }
  }
  if (window !== null)
    notes.push(say('xsan.note.window', { ports: portsText(window), count: rangeSize(window) }));
  if (window !== null && limits.ephemeral === null) notes.push(say('xsan.note.unchecked'));
  notes.push(say('xsan.note.macos'));
  return notes;
}

/** Makes the findings, each with the ways out that fit. */
class Findings {
  readonly all: AuditFinding[] = [];
  readonly #input: XsanInput;
  readonly #move: readonly Remedy[];

  constructor(input: XsanInput, proposal: XsanProposal | null) {
    this.#input = input;
    this.#move = proposal === null ? [] : moveRemedies(input, proposal);
  }

  withoutFile(): void {
    const { limits, found } = this.#input;
    const ports = limits.ephemeral ?? [49_152, 65_535];
    const place =
      found.nameserversFile === null
        ? null
        : { file: found.nameserversFile, line: 1, column: 1, endColumn: 2 };
    this.#add(
      'xsan-no-fsports',
      'medium',
      ports,
      place,
      say('xsan.nofile', { first: ports[0], last: ports[1] }),
      {
        remedies: this.#move,
        holders: xsanHolders(this.#input).slice(0, HOLDERS_NAMED),
        sources: ['macos-man-fsports', 'apple-103229'],
      },
    );
  }

  broken({ faults, min, max }: Fsports): void {
    for (const { kind, word, value, place } of faults) {
      const port = min?.value ?? max?.value ?? 0;
      this.#add(
        'xsan-fsports-broken',
        'high',
        [port, port],
        place,
        say(`xsan.broken.${kind}`, { word, value }),
        {
          remedies: this.#move,
        },
      );
    }
  }

  window(window: PortRange, { min }: Fsports): void {
    const { limits, defaults, platform, holders, claims } = this.#input;
    const place = min?.place ?? null;
    const within = limits.ephemeral === null ? null : common(window, limits.ephemeral);
    const open = within === null ? [] : without(within, limits.reserved ?? []);
    const first = open[0];
    if (first !== undefined && limits.ephemeral !== null) {
      const risk = overlapRisk(open, BOTH, this.#input);
      const text = say('xsan.window.ephemeral', {
        ports: portsText(first),
        window: portsText(window),
        first: limits.ephemeral[0],
        last: limits.ephemeral[1],
      });
      this.#add('xsan-window-ephemeral', 'high', first, place, text, {
        chance: risk?.chance ?? null,
        basis: risk?.basis ?? null,
        remedies: [...this.#move, ...(canReserve(platform) ? [keepRemedy(window)] : [])],
        sources: [...SOURCES, ...(risk?.sources ?? [])],
      });
    }
    const systems = systemsWith(window, { origin: 'profile' }, { defaults, platform }, within !== null);
    if (systems.length > 0) {
      const text = say('xsan.window.elsewhere', {
        ports: portsText(window),
        systems: listed(systems, 5),
        count: systems.length,
      });
      this.#add('xsan-window-elsewhere', 'low', window, place, text, {
        remedies: first === undefined ? this.#move : [],
        sources: [...new Set(defaults.filter(({ os }) => systems.includes(os)).map(({ source }) => source))],
      });
    }
    const strangers = holders.filter(
      (holder) =>
        holder.namespace === null &&
        inRange(holder.local.port, window) &&
        !isXsans(holder) &&
        holder.redirect === null,
    );
    const [stranger] = strangers;
    if (stranger !== undefined) {
      const who = strangers.map(
        (holder) => `${holder.local.port}/${holder.transport} ${mainOwnerOf(holder)?.name ?? '?'}`,
      );
      const text = say('xsan.window.held', {
        count: new Set(strangers.map(({ local }) => local.port)).size,
        who: listed([...new Set(who)], 5),
      });
      this.#add('xsan-window-held', 'medium', [stranger.local.port, stranger.local.port], place, text, {
        transport: stranger.transport,
        holders: strangers.slice(0, HOLDERS_NAMED),
        remedies: first === undefined ? this.#move : [],
      });
    }
    const claimed = claimsIn(window, claims);
    const [claim] = claimed;
    if (claim !== undefined) {
      const names = claimed.map((each) => `${claimName(each)} ${portsText(each.ports)}`);
      const text = say('xsan.window.claimed', {
        ports: portsText(window),
        names: listed([...new Set(names)], 6),
        count: claimed.length,
      });
      this.#add('xsan-window-claimed', 'low', window, place, text, {
        claims: claimed.slice(0, CLAIMS_NAMED),
        sources: SOURCES,
        remedies: first === undefined ? this.#move : [],
      });
    }
  }

  altPmap({ altPmap }: Fsports, window: PortRange | null): void {
    if (altPmap === null) return;
    const { value: port, place } = altPmap;
    const { limits, holders, claims, platform } = this.#input;
    const ports: PortRange = [port, port];
    const reserved = limits.reserved?.some((range) => inRange(port, range)) === true;
    if (limits.ephemeral !== null && inRange(port, limits.ephemeral) && !reserved) {
      const risk = overlapRisk([ports], BOTH, this.#input);
      const [first, last] = limits.ephemeral;
      this.#add(
        'xsan-altpmap-ephemeral',
        'high',
        ports,
        place,
        say('xsan.altpmap.ephemeral', { port, first, last }),
        {
          chance: risk?.chance ?? null,
          basis: risk?.basis ?? null,
          remedies: canReserve(platform) ? [reserveRemedy(ports)] : [],
          sources: [...SOURCES, ...(risk?.sources ?? [])],
        },
      );
    }
    if (window !== null && inRange(port, window)) {
      this.#add(
        'xsan-altpmap-in-window',
        'medium',
        ports,
        place,
        say('xsan.altpmap.window', { port, window: portsText(window) }),
        {
          sources: SOURCES,
        },
      );
    }
    const stranger = holders.find(
      (holder) => holder.namespace === null && holder.local.port === port && !isXsans(holder),
    );
    if (stranger !== undefined) {
      const who = mainOwnerOf(stranger)?.name ?? '?';
      this.#add('xsan-altpmap-held', 'medium', ports, place, say('xsan.altpmap.held', { port, who }), {
        transport: stranger.transport,
        holders: [stranger],
      });
    }
    const claimed = narrow(claims(port), 'tcp');
    if (claimed.length > 0) {
      const names = [...new Set(claimed.map(claimName))];
      this.#add(
        'xsan-altpmap-claimed',
        'low',
        ports,
        place,
        say('xsan.altpmap.claimed', { port, names: listed(names, 4) }),
        {
          claims: claimed,
        },
      );
    }
  }

  #add(
    id: FindingId,
    severity: Severity,
    ports: PortRange,
    place: Place | null,
    text: Message,
    more: Partial<AuditFinding>,
  ): void {
    const transport = more.transport ?? 'tcp';
    this.all.push({
      id,
      severity,
      port: ports[0],
      ports,
      transport,
      service: 'Xsan',
      origin: 'fsports',
      place,
      text,
      chance: null,
      basis: null,
      remedies: [],
      claims: [],
      holders: [],
      others: [],
      sources: SOURCES,
      variable: null,
      fingerprint: fingerprintOf(id, ports, transport, place?.file ?? 'xsan', 'Xsan'),
      profile: 'xsan',
      ...more,
    });
  }
}

/** Most holders and claims that one finding names. */
const HOLDERS_NAMED = 8;
const CLAIMS_NAMED = 20;

/** Claims on single numbers of a window, each once. */
function claimsIn([first, last]: PortRange, claims: (port: number) => readonly Claim[]): Claim[] {
  const found = new Map<string, Claim>();
  for (let port = first; port <= last; port++) {
    for (const claim of claims(port))
      if (!isWide(claim) && claim.status !== 'reserved') found.set(claim.id, claim);
  }
  return [...found.values()];
}

/** Setting the proposed window, and keeping it out of automatic choice where that can be done. */
function moveRemedies(
  { found: { fsports }, target, platform }: XsanInput,
  { window, lines }: XsanProposal,
): Remedy[] {
  const written = `printf '${lines.map((line) => `${line}\\n`).join('')}' | sudo tee ${target}`;
  const write: Remedy = {
    title: say(fsports === null ? 'xsan.remedy.set' : 'xsan.remedy.move', { ports: portsText(window) }),
    commands: fsports === null ? [written] : [`sudo cp -p ${target} ${target}.before`, written],
    needsRoot: true,
    persistent: true,
    undo: [fsports === null ? `sudo rm ${target}` : `sudo mv ${target}.before ${target}`],
  };
  if (!canReserve(platform)) return [write];
  return [
    write,
    { ...reserveRemedy(window), title: say('xsan.remedy.reserve', { ports: portsText(window) }) },
  ];
}

/** Leaving the window where it is, and keeping the system from it. */
function keepRemedy(window: PortRange): Remedy {
  return { ...reserveRemedy(window), title: say('xsan.remedy.keep', { ports: portsText(window) }) };
}
