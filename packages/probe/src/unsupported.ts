// The backend of systems that have none yet: an empty snapshot with the gap that says so.
import type { Snapshot } from '@portolan/core';
import { type Backend, NO_CAPABILITIES, type ProbeRequest } from './backend.ts';

/** A system as its users call it, and its own command for who is on a port (null: on any). */
interface KnownSystem {
  readonly name: string;
  remedy(port: number | null): string;
}

const SYSTEMS: Readonly<Record<string, KnownSystem>> = {
  darwin: {
    name: 'macOS',
    remedy: (port) => (port === null ? 'sudo lsof -nP -i' : `sudo lsof -nP -i :${port}`),
  },
};

/** A backend that sees nothing and says so, for `platform` (a value of process.platform). */
export function unsupportedBackend(platform: string): Backend {
  return {
    capabilities: NO_CAPABILITIES,
    look({ ports }: ProbeRequest): Promise<Snapshot> {
      const system = Object.hasOwn(SYSTEMS, platform) ? SYSTEMS[platform] : undefined;
      const port = ports !== null && ports[0] === ports[1] ? ports[0] : null;
      return Promise.resolve({
        platform,
        release: null,
        takenAt: new Date().toISOString(),
        via: 'none',
        limits: { ephemeral: null, reserved: null, unprivilegedFrom: null },
        ephemeralUse: null,
        sockets: [],
        redirects: [],
        gaps: [
          {
            code: 'unsupported-platform',
            values: { platform: system?.name ?? platform },
            remedy: system?.remedy(port) ?? 'netstat -an',
            coversUse: true,
            transports: [],
          },
        ],
      });
    },
  };
}
