// nmap: open ports of a host as they answered from outside; the grepable report (-oG).
import type { Transport } from '@portolan/core';
import { familyOf, portNumber } from './endpoint.ts';
import { alone, type Out, type Recogniser } from './row.ts';

/** Puts an open port out; false where it is none. */
export function openPort(
  host: string,
  transport: string,
  digits: string,
  out: Out,
  first: number,
  last: number = first,
): boolean {
  const port = portNumber(digits);
  if (port === null || !/^(?:tcp|udp|sctp)$/.test(transport)) return false;
  const family = familyOf(host);
  if (family === null) out.shown.named++;
  out.shown.hosts.add(alone(host));
  out.socket(
    {
      transport: transport as Transport,
      family: family ?? 'ipv4',
      local: { address: host, port },
      peer: null,
      state: transport === 'udp' ? 'UNCONN' : 'LISTEN',
    },
    first,
    last,
  );
  return true;
}

export const nmapGrepable: Recogniser = {
  format: 'nmap-grepable',
  heading: /^# Nmap \S+ scan initiated |^Host: \S+ \([^)]*\)\t(?:Ports|Status|Protocols): /,
  row: null,
  open: (out) => ({
    line(text, number) {
      if (/^# (?:Nmap|Ports scanned)/.test(text)) return true;
      const host = /^Host: (\S+) \([^)]*\)\t/.exec(text)?.[1];
      if (host === undefined) return false;
      const ports = /\tPorts: ([^\t]*)/.exec(text)?.[1] ?? '';
      for (const entry of ports.split(', ').filter((part) => part !== '')) {
        const [, digits = '', state, transport = ''] = /^(\d{1,9})\/([\w|]*)\/(\w+)\//.exec(entry) ?? [];
        if (state === undefined) out.unknown(number, entry, 'cut');
        else if (state === 'open' && !openPort(host, transport, digits, out, number))
          out.unknown(number, entry, 'port');
      }
      return true;
    },
  }),
};
