// Why a command answers neither from what a tool printed, nor for a host that is asked over ssh, nor from a recorded one.
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
  serve: 'its pages look at this host, anew for each visitor',
  mcp: 'its tools look at this host, anew for each question',
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

/** Why a host is not asked for them; the others are as above. */
const HOST_REASONS: Readonly<Record<string, string>> = {
  watch: 'a host is asked once and not watched',
  kill: 'nothing is stopped or changed on a host that is asked',
  ephemeral: 'it measures this host',
  reserve: 'nothing is stopped or changed on a host that is asked',
  unreserve: 'nothing is stopped or changed on a host that is asked',
};

/** Throws USAGE with the reason. */
export function refuseHost(command: string): never {
  const reason = HOST_REASONS[command] ?? REASONS[command] ?? 'it looks at no sockets';
  throw new PortolanError('USAGE', `${command} takes no --host: ${reason}.`, {
    hint: 'PORT, list, who, why and audit ask a host over ssh.',
  });
}

/** Throws USAGE for a recorded host that nothing would be asked of. */
export function refuseProcRoot(command: string): never {
  throw new PortolanError('USAGE', `${command} takes no --procfs-root: it looks at no host.`, {
    hint: 'PORT, list, who, why, audit, ephemeral and mcp answer from a recorded copy of /proc.',
  });
}
