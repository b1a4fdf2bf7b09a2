// `netstat` of macOS and the BSDs: `127.0.0.1.80`, protocols with their family, and on macOS (-v) more columns.
import type { Owner } from '@portolan/core';
import { familyOf, isAny, placed, readEnds } from './endpoint.ts';
import { type Out, owner, type Recogniser } from './row.ts';
import { stateOf } from './words.ts';

const ROW =
  /^\s*(?:[\da-f]{6,16}\s+)?(tcp|udp|udplite|sctp)(4|6|46|64)?\s+\d{1,20}\s+\d{1,20}\s+(\S{3,300})\s+(\S{3,300})(?:\s+(.*))?$/;

/** Rows of sockets without ports, and the headings of their tables. */
const PORTLESS =
  /^\s*(?:(?:[\da-f]{6,16}\s+)?(?:icm(?:p?[46]|p?46|p?6?)|ip[46]?|ip46|raw6?|divert?|mptcp?|rvi|esp|kctl|kevt|vsock)\s|[\da-f]{6,16}\s+(?:stream|dgram|seqpac?ket?)\s|Address\s+Type\s+Recv-Q|Active (?:LOCAL|UNIX|Multipath|kernel|VSOCK)|Registered kernel|Proto\s+Recv-Q\s+Send-Q\s+unit|kctlref\s+flags|\s*id\s+flags\s+pcbcount)/;

const HEADING =
  /^\s*(?:(?:PCB|Tcpcb|Socket)\s+)?Proto\s+Recv-Q\s+Send-Q\s+Local Address\s+Foreign Address\s+(\(state\)|State|TCP-State)?(.*)$/;

export const netstatBsd: Recogniser = {
  format: 'netstat-bsd',
  heading: /^Active Internet(?:6)? connections(?: \(including servers\))?\s*$|\sForeign Address\s+\(state\)/,
  row: /^\s*(?:[\da-f]{6,16}\s+)?(?:tcp|udp|udplite|sctp)(?:4|6|46|64)?\s+\d{1,20}\s+\d{1,20}\s+\S{1,300}\.(?:\d+|\*|[a-z][\w-]*)\s+\S{1,300}\.(?:\d+|\*|[a-z][\w-]*)(?:\s|$)/,
  open(out) {
    /** Columns after the state. */
    let columns: readonly string[] = [];
    return {
      line(text, number) {
        const heading = HEADING.exec(text);
        if (heading !== null) {
          columns = (heading[2] ?? '').trim().split(/\s+/);
          return true;
        }
        if (netstatBsd.heading?.test(text) === true || PORTLESS.test(text)) return true;
        return row(text, number, columns, out);
      },
    };
  },
};

function row(text: string, number: number, columns: readonly string[], out: Out): boolean {
  const match = ROW.exec(text);
  if (match === null) return false;
  const [, name = '', digits, localText = '', peerText = '', rest = ''] = match;
  const transport = name === 'tcp' || name === 'sctp' ? name : 'udp';
  const ends = readEnds([localText, peerText], transport, { text, number, separator: '.' }, out);
  if (ends === null || ends === 'told') return ends !== null;
  const { local, peer } = ends;
  // Neither bound nor connected.
  if (local.port === null || (local.port === 0 && local.host === '*')) return true;
  const both = digits === '46' || digits === '64';
  const family = both || digits === '6' ? 'ipv6' : (familyOf(local.host) ?? familyOf(peer.host) ?? 'ipv4');
  const any = isAny(peer);
  const first = /^([A-Z][A-Z_\d]+)(?:\s+|$)/.exec(rest);
  const told = first?.[1] === undefined ? null : stateOf(first[1]);
  if (transport === 'tcp' && told === null) {
    out.unknown(number, text, 'cut');
    return true;
  }
  const process = processOf(told === null ? rest : rest.slice(first?.[0].length ?? 0), columns);
  out.socket(
    {
      transport,
      family,
      local: placed(local, family, out),
      peer: any ? null : placed(peer, family, out),
      state: transport === 'udp' ? (any ? 'UNCONN' : 'ESTABLISHED') : (told ?? 'LISTEN'),
      owners: process === null ? [] : [process],
      device: local.device,
      ipv6Only: family === 'ipv6' && any && digits !== undefined ? !both : null,
    },
    number,
  );
  return true;
}

/** macOS names a process by `process:pid`, where names may have blanks, and by `pid` alone before macOS 15. */
function processOf(rest: string, columns: readonly string[]): Owner | null {
  const named = columns.indexOf('process:pid');
  const plain = columns.indexOf('pid');
  if (named < 0 && plain >= 0) {
    const pid = Number(rest.split(/\s+/)[plain]);
    return Number.isInteger(pid) && pid > 0 ? owner(pid, '?') : null;
  }
  const match = /^(?:\d+\s+){2,6}(\D.*?|\S.*?):(\d{1,10})\s+[\da-f]/.exec(rest);
  const pid = Number(match?.[2] ?? 0);
  return pid > 0 ? owner(pid, (match?.[1] ?? '').trim()) : null;
}
