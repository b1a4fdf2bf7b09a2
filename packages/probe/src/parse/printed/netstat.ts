// `netstat` of Linux (net-tools, BusyBox, toybox): rows by their structure, for headings and some states are translated.
import type { Owner, Transport } from '@portolan/core';
import { familyOf, isAny, placed, readEnds } from './endpoint.ts';
import { alone, type Out, owner, type Recogniser } from './row.ts';
import { stateOf } from './words.ts';

const ROW =
  /^\s*(tcp|udp|sctp|dccp|udplite|udpl)(6)?\s+\d{1,20}\s+\d{1,20}\s+(\S{3,300})\s+(\S{3,300})(?:\s+(.*))?$/;

/** Rows of raw and unix sockets, and their headings: they have no ports. */
const PORTLESS = /^(?:raw6?\s+\d+\s+\d+\s|unix\s+\d+\s+\[)/;

export const netstat: Recogniser = {
  format: 'netstat',
  heading:
    /^Proto\s+(?:Recv-Q\s+Send-Q\s+Local Address\s+Foreign Address\s+State|RefCnt\s+Flags\s+Type\s+State\s+I-Node)|^Active (?:Internet connections \((?:only servers|servers and established|w\/o servers)\)|UNIX domain sockets)/,
  row: /^\s*(?:(?:tcp|udp|sctp|dccp|udplite|udpl)6?\s+\d{1,20}\s+\d{1,20}\s+\S{1,300}:\S{1,60}\s+\S{1,300}:\S|unix\s+\d+\s+\[|raw6?\s+\d+\s+\d+\s+\S{1,300}:\d)/,
  open: (out) => ({
    line(text, number) {
      if (netstat.heading?.test(text) === true || PORTLESS.test(text)) return true;
      return row(text, number, out);
    },
  }),
};

function row(text: string, number: number, out: Out): boolean {
  const match = ROW.exec(text);
  if (match === null) return false;
  const [, name = '', six, localText = '', peerText = '', rest = ''] = match;
  const transport: Transport = name === 'tcp' || name === 'sctp' || name === 'dccp' ? name : 'udp';
  const ends = readEnds([localText, peerText], transport, { text, number, separator: ':' }, out);
  if (ends === null || ends === 'told') return ends !== null;
  const { local, peer } = ends;
  if (local.port === null) return true;
  // BusyBox says `tcp` of IPv6, too.
  const family =
    six === '6' || familyOf(local.host) === 'ipv6' || localText.startsWith('[') ? 'ipv6' : 'ipv4';
  const tail = tailOf(rest);
  const any = isAny(peer);
  const usual = transport === 'udp' ? (any ? 'UNCONN' : 'ESTABLISHED') : any ? 'LISTEN' : 'ESTABLISHED';
  const told = tail.state === null ? null : stateOf(tail.state);
  if (tail.state === null && transport !== 'udp') {
    out.unknown(number, text, 'cut');
    return true;
  }
  if (tail.state !== null && told === null && !any) out.shown.words.add(alone(tail.state));
  const state = told === 'CLOSE' && any && transport === 'udp' ? 'UNCONN' : (told ?? usual);
  out.socket(
    {
      transport,
      family,
      local: placed(local, family, out),
      peer: any ? null : placed(peer, family, out),
      state,
      inode: tail.inode ?? (tail.nobody && /^(?:FIN_WAIT[12]|CLOSING|LAST_ACK)$/.test(state) ? 0 : null),
      uid: tail.user !== null && /^\d{1,10}$/.test(tail.user) && tail.inode !== 0 ? Number(tail.user) : null,
      user: tail.user !== null && !/^\d/.test(tail.user) && tail.inode !== 0 ? tail.user : null,
      owners: tail.owner === null ? [] : [tail.owner],
      device: local.device,
      freeInMs: state === 'TIME_WAIT' ? tail.freeInMs : null,
    },
    number,
  );
  return true;
}

interface Tail {
  readonly state: string | null;
  readonly user: string | null;
  readonly inode: number | null;
  readonly owner: Owner | null;
  /** True where -p says `-`. */
  readonly nobody: boolean;
  readonly freeInMs: number | null;
}

/** What follows the peer: a state, user and inode (-e), process (-p), timer (-o), each there or not. */
function tailOf(rest: string): Tail {
  const timer = /(?:^|\s)[a-z]\w* \((\d{1,7}(?:\.\d{1,3})?)\/\d+\/\d+\)\s*$/.exec(rest);
  let text = timer === null ? rest : rest.slice(0, timer.index);
  // A process names itself: the first number with a stroke after it is netstat's own.
  const process = /(?:^|\s)(?:(\d{1,10})\/(\S.*)|-)\s*$/.exec(text);
  if (process !== null) text = text.slice(0, process.index);
  const words = text.split(/\s+/).filter((word) => word !== '');
  const inode = words.length >= 2 && /^\d{1,15}$/.test(words.at(-1) ?? '') ? Number(words.at(-1)) : null;
  const before = inode === null ? words : words.slice(0, -2);
  return {
    state: before[0] ?? null,
    user: inode === null ? null : (words.at(-2) ?? null),
    inode,
    owner: process?.[1] === undefined ? null : owner(Number(process[1]), (process[2] ?? '').trim()),
    nobody: process !== null && process[1] === undefined,
    freeInMs: timer !== null && /timewait/.test(timer[0]) ? Math.round(Number(timer[1]) * 1000) : null,
  };
}
