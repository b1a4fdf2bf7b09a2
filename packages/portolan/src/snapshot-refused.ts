// Why a command does not answer from what a tool printed.
import { PortolanError } from '@portolan/core';
import { echo } from './flags.ts';

/** What each of them would need; those that look at no host have no line. */
const REASONS: Readonly<Record<string, string>> = {
  watch: 'what was printed does not change',
  kill: 'processes of this host would be stopped for what another host, or another time, showed',
  ephemeral: 'no tool prints the range and the rate that it is about',
  reserve: 'it reads and changes the list of this host',
  unreserve: 'it reads and changes the list of this host',
  pick: 'a port must be free on this host, and now',
  lease: 'a port must be free on this host, and now',
  run: 'a port must be free on this host, and now',
};

/** Throws USAGE with the reason. */
export function refuseSnapshot(command: string, path: string): never {
  const reason = REASONS[command] ?? 'it looks at no sockets';
  throw new PortolanError(
    'USAGE',
    command === 'read'
      ? 'read takes no --snapshot: name the file itself.'
      : `${command} takes no --snapshot: ${reason}.`,
    {
      hint:
        command === 'read'
          ? `portolan read ${echo(path)}`
          : 'PORT, list, who, why and audit answer from what a tool printed.',
    },
  );
}
