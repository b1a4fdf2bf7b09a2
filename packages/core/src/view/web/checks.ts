// Commands to look for oneself, for each system, each with what it shows and what it does not.
import { say } from '../../model/message.ts';
import type { Block } from './tree.ts';

/** The commands for one port. */
export function checksBlock(port: number): Extract<Block, { kind: 'checks' }> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return {
    kind: 'checks',
    systems: [
      {
        system: 'portolan',
        lines: [
          line(`portolan ${port}`, 'portolan'),
          line(`portolan why ${port}`, 'why'),
          line(`portolan kill ${port}`, 'kill'),
        ],
      },
      {
        system: 'linux',
        lines: [
          line(`sudo ss -tanp 'sport = :${port}'`, 'ss'),
          line(`sudo ss -uanp 'sport = :${port}'`, 'ssudp'),
          line(`sudo lsof -nP -i :${port}`, 'lsof'),
          line(`grep -i ':${hex} ' /proc/net/tcp /proc/net/tcp6`, 'proc'),
        ],
      },
      {
        system: 'macos',
        lines: [
          line(`sudo lsof -nP -i :${port}`, 'lsofmac'),
          line(`netstat -anv | grep -F '.${port} '`, 'netstatmac'),
        ],
      },
      {
        system: 'windows',
        lines: [
          line(`Get-NetTCPConnection -LocalPort ${port} | Select-Object State, OwningProcess`, 'nettcp'),
          line(`Get-NetUDPEndpoint -LocalPort ${port} | Select-Object OwningProcess`, 'netudp'),
          line('netsh interface ipv4 show excludedportrange protocol=tcp', 'excluded'),
        ],
      },
    ],
  };
}

function line(
  command: string,
  name: Name,
): Extract<Block, { kind: 'checks' }>['systems'][number]['lines'][number] {
  return { command, shows: say(`web.check.${name}.shows`), hides: say(`web.check.${name}.hides`) };
}

type Name =
  | 'portolan'
  | 'why'
  | 'kill'
  | 'ss'
  | 'ssudp'
  | 'lsof'
  | 'proc'
  | 'lsofmac'
  | 'netstatmac'
  | 'nettcp'
  | 'netudp'
  | 'excluded';
