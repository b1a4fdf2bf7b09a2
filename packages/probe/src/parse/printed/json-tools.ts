// JSON of tools that list sockets: PowerShell's Get-NetTCPConnection and Get-NetUDPEndpoint, osquery, `lsof -J`.
import type { SocketState, Transport } from '@portolan/core';
import { familyOf } from './endpoint.ts';
import { type JsonShape, listOf, numberOf, objectOf, portOf, textOf } from './json-unit.ts';
import { LsofFiles, unescaped } from './lsof.ts';
import { type Out, owner } from './row.ts';
import { stateOf } from './words.ts';

/** Numbers of MSFT_NetTCPConnection.State; `ConvertTo-Json` writes them in place of words. */
const POWERSHELL_STATES: readonly (SocketState | undefined)[] = [
  undefined, 'CLOSE', 'LISTEN', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'CLOSING',
  'LAST_ACK', 'TIME_WAIT', 'CLOSE',
]; // biome-ignore format: one list reads better
const POWERSHELL_BOUND = 100;

/** Splits a zone off: `fe80::1%12`. */
function zoned(text: string): { address: string; device: string | null } {
  const [address = '', device] = text.toLowerCase().split('%');
  return { address, device: device === undefined || device === '' || device === '0' ? null : device };
}

export const powershellJson: JsonShape = {
  format: 'powershell-json',
  is: (value) => 'LocalAddress' in value && 'LocalPort' in value,
  read(value, out, { first, last }) {
    const port = portOf(value['LocalPort']);
    const { address, device } = zoned(textOf(value['LocalAddress']) ?? '');
    const family = familyOf(address);
    if (port === null || family === null) return false;
    const transport: Transport = 'RemotePort' in value || 'State' in value ? 'tcp' : 'udp';
    const remote = zoned(textOf(value['RemoteAddress']) ?? '');
    const remotePort = portOf(value['RemotePort']);
    const any = remotePort === null || remotePort === 0 || familyOf(remote.address) === null;
    const code = numberOf(value['State']);
    const word = textOf(value['State']);
    const state =
      transport === 'udp'
        ? 'UNCONN'
        : code === POWERSHELL_BOUND
          ? 'BOUND'
          : code === null
            ? stateOf(word ?? '')
            : POWERSHELL_STATES[code];
    if (state === null || state === undefined) return false;
    const pid = numberOf(value['OwningProcess']);
    const name = textOf(value['ProcessName']) ?? (pid === 4 ? 'System' : '?');
    out.socket(
      {
        transport,
        family,
        local: { address, port },
        peer: any ? null : { address: remote.address, port: remotePort },
        state,
        inode: pid === 0 ? 0 : null,
        owners: pid === null || pid === 0 ? [] : [owner(pid, name)],
        device,
      },
      first,
      last,
    );
    return true;
  },
};

/** Numbers of protocols (IANA), as osquery gives them. */
const PROTOCOLS: Readonly<Record<number, Transport>> = { 6: 'tcp', 17: 'udp', 132: 'sctp', 33: 'dccp' };

/** osquery's tables listening_ports and process_open_sockets; all values are text. */
export const osqueryJson: JsonShape = {
  format: 'osquery-json',
  is: (value) =>
    'protocol' in value &&
    'pid' in value &&
    ('local_port' in value || ('port' in value && 'address' in value)),
  read(value, out, { first, last }) {
    const transport = PROTOCOLS[numberOf(value['protocol']) ?? -1];
    const family = numberOf(value['family']);
    // AF_UNIX, and raw sockets: no ports.
    if (transport === undefined) return family !== null;
    const open = 'local_port' in value;
    const port = portOf(open ? value['local_port'] : value['port']);
    const { address, device } = zoned(textOf(open ? value['local_address'] : value['address']) ?? '');
    const own = familyOf(address);
    if (port === null || own === null) return false;
    // A process that has a socket and has not bound it.
    if (port === 0) return true;
    const remotePort = portOf(value['remote_port']);
    const remote = zoned(textOf(value['remote_address']) ?? '').address;
    const any = remotePort === null || remotePort === 0 || familyOf(remote) === null;
    const word = textOf(value['state']) ?? '';
    // "Listening" is, to osquery, every socket without a peer.
    const state =
      transport === 'udp'
        ? any
          ? 'UNCONN'
          : 'ESTABLISHED'
        : (stateOf(word) ?? (any ? 'LISTEN' : 'ESTABLISHED'));
    const pid = numberOf(value['pid']);
    const name = textOf(value['name']) ?? '?';
    out.socket(
      {
        transport,
        family: own,
        local: { address, port },
        peer: any ? null : { address: remote, port: remotePort },
        state,
        inode: numberOf(value['socket']),
        // -1 stands for no process, as in TIME_WAIT.
        owners: pid === null || pid === 0 ? [] : [owner(pid, name)],
        device,
      },
      first,
      last,
    );
    return true;
  },
};

/** `lsof -J` (processes with files) and `-j` (a file a line), of lsof 4.99.7 and newer. */
export const lsofJson: JsonShape = {
  format: 'lsof-json',
  is: (value) => 'pid' in value && ('files' in value || ('fd' in value && 'name' in value)),
  read(value, out, { first }) {
    const pid = numberOf(value['pid']);
    if (pid === null) return false;
    const files = 'files' in value ? listOf(value['files']).map(objectOf) : [value];
    const seen = lsofFiles(out);
    for (const file of files) {
      const type = textOf(file['type']) ?? '';
      if (!/^IPv[46]$/.test(type)) continue;
      const info = objectOf(file['tcp_tpi'] ?? file['tcp_info'] ?? file['tcp']);
      const state = textOf(file['state'] ?? file['tcp_state'] ?? info['state'] ?? info['ST']);
      const name = textOf(file['name']) ?? '';
      const known = seen.add(
        {
          pid,
          command: unescaped(textOf(value['command']) ?? '?'),
          user:
            textOf(value['login'] ?? value['login_name'] ?? value['user']) ??
            String(numberOf(value['uid']) ?? ''),
          type,
          device: textOf(file['device']) ?? String(numberOf(file['device']) ?? ''),
          protocol: textOf(file['protocol'] ?? file['node']) ?? (state === null ? '' : 'TCP'),
          name,
          state: state?.replace(/^ST=/, '') ?? null,
        },
        name,
        first,
      );
      if (!known) out.unknown(first, name, 'cut');
    }
    return true;
  },
};

/** Owners of one socket stand in several objects of one document. */
const FILES = new WeakMap<Out, LsofFiles>();

function lsofFiles(out: Out): LsofFiles {
  const files = FILES.get(out) ?? new LsofFiles(out);
  FILES.set(out, files);
  return files;
}
