// Which pages there are, by their paths without language: for search engines, and for whoever sends a path.
import { aboutTransports, isTransport, isWide, PORT_MAX, type Transport } from '@portolan/core';
import { type Atlas, FLAG } from './atlas.ts';

/** What a port page is about where no transport is named. */
export const USUAL: readonly Transport[] = ['tcp', 'udp'];

/** A port page's port and transport, from its path; null for any other path. */
export function portPath(
  path: string,
): { readonly port: number; readonly transport: Transport | null } | null {
  const match = /^\/ports\/(\d{1,5})(?:\/([a-z]{3,4}))?$/.exec(path);
  const port = portOf(match?.[1] ?? '');
  if (port === null) return null;
  const transport = match?.[2] ?? null;
  return transport === null || isTransport(transport) ? { port, transport } : null;
}

/** A port as an address has it: digits alone, none too many. */
export function portOf(text: string): number | null {
  if (!/^\d{1,5}$/.test(text) || (text.length > 1 && text.startsWith('0'))) return null;
  const port = Number(text);
  return port <= PORT_MAX ? port : null;
}

/** Is something particular known of the port? Other port pages ask search engines to leave them out. */
export function isSpecific(port: number, atlas: Atlas): boolean {
  return (
    ((atlas.flags[port] ?? 0) & FLAG.blocked) !== 0 ||
    aboutTransports(atlas.claimsAt(port), USUAL).some((claim) => !isWide(claim))
  );
}

/** Paths of the pages that search engines are to know: those of `common` and of ports. */
export function indexedPaths(atlas: Atlas, common: readonly string[]): string[] {
  const paths = [...common];
  for (let port = 0; port <= PORT_MAX; port++) if (isSpecific(port, atlas)) paths.push(`/ports/${port}`);
  return paths;
}
