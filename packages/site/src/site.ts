// The pages of the site from facts, and from what was seen of a host where somebody looked.
import {
  explain,
  type Gap,
  holdersOf,
  listenerForecasts,
  type PortReport,
  type Snapshot,
  type Transport,
} from '@portolan/core';
import {
  closedHerePage,
  type HerePageInput,
  type Hundred,
  hereWebPage,
  portWebPage,
  type WebPage,
} from '@portolan/core/web';
import type { Facts } from '@portolan/facts';
import { type Atlas, FLAG, makeAtlas } from './atlas.ts';
import { commonPages } from './common-pages.ts';
import { homePages } from './home.ts';
import { USUAL } from './paths.ts';

/** What was seen of a host. */
export interface Sight {
  /** Name of the host. */
  readonly host: string;
  readonly snapshot: Snapshot;
  /** Ports in use, for the ruler and the neighbours. */
  readonly inUse: readonly number[];
}

/** Makes pages; one for as long as the facts stay the same. */
export interface Site {
  readonly facts: Facts;
  readonly atlas: Atlas;
  /** The page of a port; `sight` is null for a page that knows no host. */
  portPage(port: number, transport: Transport | null, sight: Sight | null): WebPage;
  /** The page of the host; null sight for a reader who may not see it. */
  herePage(sight: Omit<Sight, 'inUse'> | null, findings: HerePageInput['findings']): WebPage;
  /** The pages that are there once and not for every port; null for a path that none has. */
  page(path: string): WebPage | null;
  /** Every port at once; `snapshot` is null for a page that knows no host. */
  homePage(snapshot: Snapshot | null): WebPage;
  /** What a search finds; only a server can answer it. */
  findPage(query: string): WebPage;
  /** Paths of all pages that `page` makes. */
  paths(): readonly string[];
  /** The report behind it. */
  portReport(port: number, transport: Transport | null, sight: Sight | null): PortReport;
}

/** A host that nobody looked at: nothing is known of it, which is not the same as nothing being there. */
const noHost = (port: number): Snapshot => ({
  platform: 'none',
  release: null,
  takenAt: '',
  via: 'none',
  sockets: [],
  redirects: [],
  limits: { ephemeral: null, reserved: null, unprivilegedFrom: null },
  ephemeralUse: null,
  gaps: [
    {
      code: 'no-host',
      values: {},
      coversUse: true,
      remedy: `portolan ${port}`,
      transports: [],
    } satisfies Gap,
  ],
});

/** Opens the site on facts. `call` is how a shell calls the program, for remedies. */
export function makeSite(facts: Facts, call: string): Site {
  const atlas = makeAtlas(facts);
  const extras = facts.extras();
  const portReport: Site['portReport'] = (port, transport, sight) =>
    explain({
      port,
      transports: transport === null ? USUAL : [transport],
      claims: { claims: atlas.claimsAt(port), sources: {} },
      snapshot: sight?.snapshot ?? noHost(port),
      blocked: extras.blocked,
      defaults: extras.ephemeral,
      source: (id) => facts.source(id),
      call,
    });
  const hundreds = new Map<number, Hundred['cells']>();
  const hundredAround = (port: number, inUse: readonly number[]): Hundred => {
    const first = port - (port % 100);
    const here = new Set(inUse.filter((held) => held >= first && held < first + 100));
    const plain = hundreds.get(first) ?? cellsOf(first, atlas.flags);
    hundreds.set(first, plain);
    if (here.size === 0) return { first, port, cells: plain };
    return { first, port, cells: plain.map((cell, index) => (here.has(first + index) ? 'here' : cell)) };
  };
  return {
    facts,
    atlas,
    portReport,
    ...homePages(facts, atlas),
    ...commonPages(facts, atlas),
    herePage(sight, findings) {
      if (sight === null) return closedHerePage(call);
      const holders = holdersOf(sight.snapshot, null, USUAL);
      return hereWebPage({
        host: sight.host,
        snapshot: sight.snapshot,
        holders,
        forecasts: listenerForecasts(sight.snapshot, holders),
        claimsOf: (port) => atlas.claimsAt(port),
        findings,
        call,
      });
    },
    portPage(port, transport, sight) {
      const report = portReport(port, transport, sight);
      return portWebPage({
        report,
        transport,
        host: sight?.host ?? null,
        registry: atlas.registry,
        source: (id) => facts.source(id),
        inUse: sight?.inUse ?? [],
        around: {
          hundred: hundredAround(port, sight?.inUse ?? []),
          before: atlas.named(port, -1),
          after: atlas.named(port, 1),
          related: atlas.related(report.claims, port),
          serviceOf: (name) => atlas.serviceOf(name),
        },
      });
    },
  };
}

function cellsOf(first: number, flags: Uint8Array): Hundred['cells'] {
  return Array.from(flags.subarray(first, first + 100), (flag): Hundred['cells'][number] => {
    if ((flag & (FLAG.tcp | FLAG.udp | FLAG.other)) !== 0) return 'assigned';
    return (flag & FLAG.claimed) === 0 ? 'none' : 'claimed';
  });
}
