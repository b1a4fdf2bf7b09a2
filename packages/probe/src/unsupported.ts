// The backend of systems that have none yet: an empty snapshot with the gap that says so.
import type { Snapshot } from '@portolan/core';
import { type Backend, NO_CAPABILITIES } from './backend.ts';

/** A backend that sees nothing and says so, for `platform` (a value of process.platform). */
export function unsupportedBackend(platform: string): Backend {
  return {
    capabilities: NO_CAPABILITIES,
    look(): Promise<Snapshot> {
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
            values: { platform },
            remedy: 'netstat -an',
            coversUse: true,
            transports: [],
          },
        ],
      });
    },
  };
}
