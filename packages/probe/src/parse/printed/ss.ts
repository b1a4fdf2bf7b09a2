// `ss` of iproute2: rows with or without Netid, state and heading, and what its flags add to them.
import type { Owner, SocketState, Transport } from '@portolan/core';
import { familyOf, isAny, type Printed, placed, readEnds } from './endpoint.ts';
import { alone, type Draft, type Out, owner, type Recogniser, type Section } from './row.ts';
import { stateOf } from './words.ts';

const TRANSPORTS: Readonly<Record<string, Transport>> = {
  tcp: 'tcp', udp: 'udp', sctp: 'sctp', dccp: 'dccp', mptcp: 'tcp', udplite: 'udp',
}; // biome-ignore format: one line reads better

/** Families that have no ports (man ss(8), FAMILY). */
const PORTLESS = /^(?:nl|raw|p_raw|p_dgr|icmp6?|u_str|u_dgr|u_seq|v_str|v_dgr|ti_st|tipc|xdp|vsock|\?\?\?)\s/;

const ROW =
  /^\s*(?:`-\s*)?(?:([a-z?]\w*)\s+)?(?:([A-Z][A-Z\d-]+)\s+)?(\d{1,20})\s+(\d{1,20})\s+(\S{3,300})\s+(\S{3,300})(?:\s+(.*))?$/;

export const ss: Recogniser = {
  format: 'ss',
  heading: /^\s*(?:Netid\s+)?(?:State\s+)?Recv-Q\s+Send-Q\s+Local Address:Port\s+Peer Address:Port/,
  row: /^(?:(?:tcp|udp|sctp|dccp|mptcp)\s+)?(?:LISTEN|UNCONN|ESTAB|(?:TIME|CLOSE|FIN|SYN|LAST|BOUND|NEW)-[A-Z\d-]+|CLOSING|CLOSED|BOUND)\s+\d{1,20}\s+\d{1,20}\s+\S{3,300}\s+\S{1,300}:/,
  open: (out) => new SsSection(out),
};

class SsSection implements Section {
  readonly #out: Out;
  /** Are there Netid and state in its rows? Null without a heading. */
  #heading: { readonly netid: boolean; readonly state: boolean } | null = null;
  #rows = 0;
  /** Rows whose address is `*`: [::] that takes IPv4, too, but IPv4 in iproute2 before 4.15, which wrote `:::22`. */
  #starred: Draft[] = [];
  #old = false;
  /** Are users printed (-p), and inodes (-e)? */
  #users = false;

  constructor(out: Out) {
    this.#out = out;
  }

  line(text: string, number: number): boolean {
    if (ss.heading?.test(text) === true) {
      this.#heading = { netid: /\bNetid\b/.test(text), state: /\bState\b/.test(text) };
      this.#rows++;
      return true;
    }
    if (PORTLESS.test(text)) return /\s\d+\s+\d+\s/.test(text);
    const match = ROW.exec(text.replace('users:((', ' users:(('));
    if (match === null) return this.#more(text, number);
    const [, netid, word, , , localText = '', peerText = '', rest = ''] = match;
    const transport = netid === undefined ? this.#usual(word) : TRANSPORTS[netid];
    const state = word === undefined ? null : stateOf(word);
    if (transport === undefined || (word !== undefined && state === null)) return false;
    // Without a state (a filter for one takes the column away) only what has no peer says which it is.
    if (word === undefined && this.#heading?.state !== false) return false;
    const ends = readEnds([localText, peerText], transport, { text, number, separator: ':' }, this.#out);
    if (ends === null) return false;
    this.#rows++;
    // Connected to nothing and bound to nothing: no port is held.
    if (ends !== 'told' && ends.local.port !== null)
      this.#row({ transport, netid, state, ...ends, rest, localText, peerText }, text, number);
    return true;
  }

  /** Details that -i, -m and others put below a row. */
  #more(text: string, number: number): boolean {
    if (this.#rows === 0 || !/^\s/.test(text)) return false;
    if (
      /^\s+\S+\s*$|skmem:|cwnd:|rto:|mss:|wscale|timer:|users:|ino:|\bsk:|cgroup:|tcp-ulp|subflow|token:|segs_|\bsack\b|cubic|bbr|bytes_|peers:|locals:/.test(
        text,
      )
    ) {
      const users = /users:\(\(.*\)\)/.exec(text)?.[0];
      if (users !== undefined) this.#last?.owners.push(...(ownersIn(users) ?? []));
      else if (text.includes('users:((')) this.#out.unknown(number, text, 'cut');
      return true;
    }
    return false;
  }

  #last: Draft | null = null;

  /**
   * Without Netid one transport was asked for. ESTAB is a state of both: it is TCP until a row in UNCONN, which TCP never
   * is, shows that all of them are UDP.
   */
  #usual(word: string | undefined): Transport | undefined {
    if (this.#heading?.netid === true) return undefined;
    if (word === 'UNCONN') {
      this.#onlyUdp = true;
      for (const draft of this.#unsure) draft.transport = 'udp';
      this.#out.shown.tcpOthers -= this.#unsure.length;
      if (this.#unsure.length > 0) this.#out.shown.transports.delete('tcp');
      this.#unsure = [];
    } else if (word !== 'ESTAB') {
      this.#onlyUdp = false;
      this.#unsure = [];
    }
    return this.#onlyUdp === true ? 'udp' : 'tcp';
  }

  /** Null until a row tells. */
  #onlyUdp: boolean | null = null;
  #unsure: Draft[] = [];

  #row(
    row: {
      transport: Transport;
      netid: string | undefined;
      state: SocketState | null;
      local: Printed;
      peer: Printed;
      rest: string;
      localText: string;
      peerText: string;
    },
    text: string,
    number: number,
  ): void {
    const { transport, netid, local, peer, rest, localText, peerText } = row;
    if (localText.startsWith(':::') || peerText.startsWith(':::')) this.#isOld();
    const family = familyOf(local.host) ?? familyOf(peer.host) ?? (this.#old ? 'ipv4' : 'ipv6');
    const any = isAny(peer);
    const state = row.state ?? (any ? (transport === 'udp' ? 'UNCONN' : 'LISTEN') : 'ESTABLISHED');
    if (row.state === null && !any) this.#out.shown.words.add('–');
    const users = /users:\(\((?:.*\))?\)/.exec(rest)?.[0];
    const owners = users === undefined ? [] : ownersIn(users);
    if (owners === null || (users === undefined && rest.includes('users')))
      this.#out.unknown(number, text, 'cut');
    if (users !== undefined) this.#users = true;
    const inode = /(?:^|\s)ino:(\d{1,15})\b/.exec(rest)?.[1];
    const uid = /(?:^|\s)uid:(\d{1,10})\b/.exec(rest)?.[1];
    const only = /\bv6only:([01])\b/.exec(rest)?.[1];
    const starred = local.host === '*';
    const cgroup = /(?:^|\s)cgroup:(\S{1,512})/.exec(rest)?.[1] ?? '';
    const unit = cgroup.split('/').findLast((part) => /\.(?:service|socket|scope)$/.test(part)) ?? null;
    this.#last = this.#out.socket(
      {
        transport,
        family,
        local: placed(local, family, this.#out),
        peer: any ? null : placed(peer, family, this.#out),
        state,
        // With -p a socket in a state that outlives its process, and without one, is an orphan.
        inode:
          inode !== undefined
            ? Number(inode)
            : this.#users && isLeft(state) && owners?.length === 0
              ? 0
              : null,
        // 0 is not printed (-e).
        uid: uid !== undefined ? Number(uid) : inode !== undefined && inode !== '0' ? 0 : null,
        owners: (owners ?? []).map((each) => ({ ...each, unit: unit === null ? null : alone(unit) })),
        device: local.device,
        freeInMs: timerOf(rest),
        ipv6Only:
          only !== undefined
            ? only === '1'
            : starred && family === 'ipv6'
              ? false
              : localText.startsWith('[::]:')
                ? true
                : null,
        mptcp: netid === 'mptcp' || /\btcp-ulp-mptcp\b/.test(rest),
      },
      number,
    );
    if (netid === undefined && this.#onlyUdp === null && this.#last !== null) this.#unsure.push(this.#last);
    if (starred && this.#last !== null && familyOf(peer.host) === null && !this.#old)
      this.#starred.push(this.#last);
  }

  #isOld(): void {
    if (this.#old) return;
    this.#old = true;
    for (const draft of this.#starred) {
      draft.family = 'ipv4';
      draft.local = { ...draft.local, address: '0.0.0.0' };
      draft.ipv6Only = null;
    }
    this.#starred = [];
  }
}

function isLeft(state: SocketState): boolean {
  return state === 'FIN_WAIT1' || state === 'FIN_WAIT2' || state === 'CLOSING' || state === 'LAST_ACK';
}

/**
 * `users:(("name",pid=1,fd=3),…)`. A process names itself and nothing in it is escaped, so that a name may look like the
 * end of an entry and the next one: but it has 1 to 15 bytes (TASK_COMM_LEN) and each entry must be followed by another or
 * the end. Null where it breaks off.
 */
function ownersIn(users: string): Owner[] | null {
  const found = new Map<number, Owner>();
  const entry = users.includes('pid=')
    ? /\("(.{1,15}?)",pid=(\d{1,10}),fd=\d+\)(?=,\("|\))/y
    : /\("(.{1,15}?)",(\d{1,10}),\d+\)(?=,\("|\))/y;
  entry.lastIndex = users.indexOf('(("') + 1;
  let end = 0;
  for (let match = entry.exec(users); match !== null; match = entry.exec(users)) {
    const pid = Number(match[2]);
    found.set(pid, owner(pid, match[1] ?? ''));
    end = entry.lastIndex;
    entry.lastIndex++;
  }
  return end > 0 && users[end] === ')' ? [...found.values()] : null;
}

/** `timer:(timewait,58sec,0)`: minutes, seconds, and milliseconds after a point where a second stands before them. */
function timerOf(rest: string): number | null {
  const match = /timer:\(timewait,(?:(\d{1,6})min)?(?:(\d{1,6})sec)?(?:(?:(\d{1,6})\.)?(\d{1,6})ms)?,/.exec(
    rest,
  );
  if (match === null) return null;
  const [minutes, seconds, before, ms] = match.slice(1).map((part) => Number(part ?? 0));
  return ((minutes ?? 0) * 60 + (seconds ?? 0) + (before ?? 0)) * 1000 + (ms ?? 0);
}
