// `portolan ephemeral --json`, version 1.
import type { AllocatorReport } from '../../model/allocator.ts';
import type {
  Destination,
  EphemeralRate,
  EphemeralReport,
  EphemeralUser,
  KindCount,
  TransportUse,
  UdpCount,
} from '../../model/ephemeral.ts';
import type { PortRange } from '../../model/port.ts';
import type { NamespaceKind } from '../../model/reserve.ts';
import type { ResolverReport } from '../../model/resolver.ts';
import type { Container } from '../../model/socket.ts';
import type { Translator } from '../../text/catalog.ts';
import { gradeWords } from '../../view/resolver.ts';
import { type GapV1, gapJson } from './v1.ts';

export interface EphemeralV1 {
  readonly format: 'portolan.ephemeral/1';
  readonly platform: string;
  readonly namespace: {
    readonly kind: NamespaceKind;
    readonly inode: number | null;
    readonly names: readonly string[];
    readonly container: Container | null;
  };
  readonly range: PortRange | null;
  readonly reserved: readonly PortRange[] | null;
  readonly unprivilegedFrom: number | null;
  /** Ports of the range that are not reserved. */
  readonly available: number | null;
  /** net.ipv4.tcp_tw_reuse. */
  readonly twReuse: number | null;
  readonly tcp: TransportUse & KindCount;
  readonly udp: TransportUse & UdpCount;
  readonly destinationCount: number;
  /** The fullest ten. */
  readonly destinations: readonly Destination[];
  readonly users: readonly EphemeralUser[];
  readonly rate: EphemeralRate | null;
  /** Sockets with IP_BIND_ADDRESS_NO_PORT; null where not told. */
  readonly noPort: number | null;
  /** With --sample: how this kernel chooses. */
  readonly allocator: AllocatorReport | null;
  /** With --resolver: the judgement of its source ports. */
  readonly resolver: (ResolverReport & { readonly text: string }) | null;
  readonly gaps: readonly GapV1[];
}

/** The report as programs read it. */
export function ephemeralJson(
  report: EphemeralReport,
  allocator: AllocatorReport | null,
  resolver: ResolverReport | null,
  lang: Translator,
): EphemeralV1 {
  return {
    format: 'portolan.ephemeral/1',
    platform: report.platform,
    namespace: {
      kind: report.namespace.kind,
      inode: report.namespace.inode,
      names: report.namespace.names,
      container: report.namespace.container,
    },
    range: report.range,
    reserved: report.reserved,
    unprivilegedFrom: report.unprivilegedFrom,
    available: report.available,
    twReuse: report.twReuse,
    tcp: report.tcp,
    udp: report.udp,
    destinationCount: report.destinationCount,
    destinations: report.destinations,
    users: report.users,
    rate: report.rate,
    noPort: report.noPort,
    allocator,
    resolver: resolver === null ? null : { ...resolver, text: lang.say(gradeWords(resolver)) },
    gaps: report.gaps.map((gap) => gapJson(gap, lang)),
  };
}
