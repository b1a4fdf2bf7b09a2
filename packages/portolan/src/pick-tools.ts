// What picking and leasing are done with, as a command has it; and words that several commands read.
import {
  heldPorts,
  isUnsure,
  type LeaseView,
  PortolanError,
  type StoredLease,
  type Transport,
} from '@portolan/core';
import { readPort } from './ask.ts';
import type { Context } from './command.ts';
import { echo } from './flags.ts';
import { leaseFolder } from './leases/folder.ts';
import { LeaseStore } from './leases/store.ts';
import type { PickTools } from './picking.ts';

/** Numbers are promised whatever the transport, so both are looked at. */
const LOOKED_AT: readonly Transport[] = ['tcp', 'udp'];

/** The tools of a command. Throws USAGE on a recorded host, LEASES where leases have no folder. */
export async function pickTools(context: Context): Promise<PickTools> {
  const { args, io } = context;
  if (args.values.has('procfs-root')) {
    throw new PortolanError('USAGE', 'Nothing can be picked or leased on a recorded host (--procfs-root).');
  }
  const { lockFolder, processMarks } = await import('@portolan/probe');
  const uid = process.geteuid?.();
  const ffi = !args.switches.has('no-ffi');
  return {
    store: new LeaseStore(leaseFolder(io.env, uid), (folder, options) =>
      lockFolder(folder, { ...options, ffi }),
    ),
    marks: await processMarks(),
    uid,
    look: () => context.look({ ports: null, transports: LOOKED_AT, namespaces: false }),
    facts: (whole) => context.facts(whole),
    now: () => io.now(),
  };
}

/** tcp or udp. Throws USAGE. */
export function readTransport(word: string | undefined): 'tcp' | 'udp' {
  const transport = (word ?? 'tcp').toLowerCase();
  if (transport === 'tcp' || transport === 'udp') return transport;
  throw new PortolanError('USAGE', `--transport takes tcp or udp here, not “${echo(word ?? '')}”.`);
}

/** The port that is wished, or null. Throws USAGE. */
export async function readNear(context: Context): Promise<number | null> {
  const raw = context.args.values.get('near');
  if (raw === undefined) return null;
  const asked = await readPort(raw, context.lang, () => context.facts(false));
  if (asked.range[0] === 0) throw new PortolanError('USAGE', '--near takes a port from 1 to 65535, not 0.');
  return asked.range[0];
}

/** Words with commas between them. */
export function readList(raw: string | undefined): string[] {
  return (raw ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Leases with what is known of them now. */
export async function viewLeases(leases: readonly StoredLease[], tools: PickTools): Promise<LeaseView[]> {
  if (leases.length === 0) return [];
  const snapshot = await tools.look();
  const held = heldPorts(snapshot, LOOKED_AT);
  const unsure = isUnsure(snapshot, LOOKED_AT);
  return leases.map((lease) => {
    const state = tools.marks.state(lease.holder);
    return {
      lease,
      state,
      user: tools.marks.user(lease.uid),
      startedAt: state === 'gone' ? null : tools.marks.startedAt(lease.holder),
      inUse: held.has(lease.port) ? true : unsure ? null : false,
    };
  });
}
