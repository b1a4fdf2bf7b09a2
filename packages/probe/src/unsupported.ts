// The backend of systems that have none yet: an empty snapshot with the gap that says so.
import type { Snapshot } from '@portolan/core';
import { type Backend, NO_CAPABILITIES } from './backend.ts';

/** Commands that show ports there, as the system's own manual has them. */
const REMEDIES: Readonly<Record<string, string>> = {
  darwin: 'sudo lsof -nP -iTCP -iUDP',
  win32: 'Get-NetTCPConnection; Get-NetUDPEndpoint; netsh int ipv4 show excludedportrange tcp',
};

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
        gaps: [
          {
            code: 'unsupported-platform',
            values: { platform },
            remedy: REMEDIES[platform] ?? 'netstat -an',
            coversUse: true,
            transports: [],
          },
        ],
      });
    },
  };
}
