// What is added to a snapshot of this host only where there is something to add: rules that redirect ports, systemd's
// units, the engines' containers.
import type { Snapshot } from '@portolan/core';
import type { ProbeRequest } from '../backend.ts';
import { enginesNeeded } from './engine-needs.ts';
import { loadLibc } from './native.ts';
import { redirectSigns } from './redirect-signs.ts';
import { systemdHoldsAny } from './systemd.ts';

/** Looks and asks where there is something to find; what does that is loaded only then. */
export async function finish(snapshot: Snapshot, request: ProbeRequest): Promise<Snapshot> {
  let { sockets, redirects, gaps } = snapshot;
  const uid = process.geteuid?.() ?? null;
  const signs = redirectSigns(request.ffi === false ? null : loadLibc());
  if (signs !== null) {
    const { readRedirects } = await import('./redirects.ts');
    const rules = readRedirects(signs, request, commandAgain(request));
    redirects = rules.redirects;
    gaps = [...gaps, ...rules.gaps];
  }
  const env = (name: string): string | undefined => process.env[name];
  if (systemdHoldsAny(sockets, uid)) {
    const { readActivations } = await import('./activation.ts');
    const runtimeDir = env('XDG_RUNTIME_DIR') ?? (uid === null ? null : `/run/user/${uid}`);
    const read = readActivations(sockets, { uid, runtimeDir });
    sockets = read.sockets;
    gaps = [...gaps, ...read.gaps];
  }
  if (enginesNeeded(sockets, redirects).size > 0) {
    const { engineSockets, nameContainers } = await import('./containers.ts');
    const again = uid === 0 ? null : commandAgain(request);
    const named = await nameContainers(sockets, redirects, { engines: engineSockets(env), again });
    ({ sockets, redirects } = named);
    gaps = [...gaps, ...named.gaps];
  }
  return { ...snapshot, sockets, redirects, gaps };
}

/** The command that asked, as a shell would call it. */
function commandAgain({ ports, call }: ProbeRequest): string {
  const what = ports !== null && ports[0] === ports[1] ? `who ${ports[0]}` : 'list';
  return `${call?.() ?? 'portolan'} ${what}`;
}
