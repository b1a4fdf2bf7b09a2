// `portolan list`: every holder on this host, filtered.
import {
  type Claim,
  HOLDER_KINDS,
  type Holder,
  holdersInTurn,
  holdersOf,
  isForetold,
  isTransport,
  ListLines,
  listenerForecasts,
  listPage,
  PortolanError,
  type PortRange,
  type Snapshot,
  type Transport,
} from '@portolan/core';
import { readPorts } from '../../ask.ts';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { showPage } from '../../show.ts';

/** States a socket can be in, as --state takes them. */
const STATES = [
  'LISTEN', 'UNCONN', 'BOUND', 'ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'NEW_SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2',
  'TIME_WAIT', 'CLOSE', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSING',
]; // biome-ignore format: one line reads better

export const run: Run = async (context) => {
  const { values, switches, positionals } = context.args;
  if (positionals.length > 0) {
    throw new PortolanError('USAGE', `list takes no “${echo(positionals[0] ?? '')}”.`, {
      hint: 'For one port: portolan PORT, portolan who PORT, or portolan list --port PORT.',
    });
  }
  const { ports, transports } = await wantedPorts(context);
  const keep = filters(values);
  const snapshot = await context.look({ ports, transports, countEphemeral: ports !== null });
  if (context.json) {
    await writeJson(context, snapshot, ports, transports, keep);
    return 0;
  }
  const holders = holdersOf(snapshot, ports, transports).filter((holder) => passes(holder, keep));
  const forecasts = listenerForecasts(snapshot, holders);
  const facts = await context.facts(holders.length > MANY);
  const claims = new Map<number, readonly Claim[]>();
  const filtered = keep.length > 0 || ports !== null || values.has('transport');
  showPage(
    context,
    listPage({
      holders,
      gaps: snapshot.gaps,
      claimsOf(port) {
        const known = claims.get(port) ?? facts.claimsFor(port).claims;
        claims.set(port, known);
        return known;
      },
      all: switches.has('all') || values.has('state') || ports !== null,
      filtered,
      forecasts,
      ephemeral: snapshot.limits.ephemeral,
    }),
  );
  return 0;
};

/** Bytes that are written at once: each write takes a turn of Node's event loop. */
const PIECE = 1 << 20;

/**
 * Holders are written as they are made, the last piece while the next is put together; those that something is foretold
 * for are noted in passing.
 */
async function writeJson(
  { io, lang }: Context,
  snapshot: Snapshot,
  ports: PortRange | null,
  transports: readonly Transport[],
  keep: readonly Test[],
): Promise<void> {
  const list = new ListLines((text) => Buffer.from(text, 'utf8'));
  const foretold = isForetold(snapshot.limits);
  const noted: Holder[] = [];
  const take = (holder: Holder): boolean => {
    if (!passes(holder, keep)) return true;
    list.add(holder);
    if (foretold(holder)) noted.push(holder);
    return list.size < PIECE;
  };
  const holders = holdersInTurn(snapshot, ports, transports);
  let written: Promise<void> | null = null;
  while (holders(take)) {
    await written;
    written = io.outBeside(list.take());
  }
  await written;
  list.end(snapshot.gaps, listenerForecasts(snapshot, noted), lang);
  io.out(list.take());
}

function passes(holder: Holder, keep: readonly Test[]): boolean {
  return keep.every((test) => test(holder));
}

/** From this many rows on, reading the index whole beats reading a piece a port. */
const MANY = 200;

async function wantedPorts(
  context: Context,
): Promise<{ ports: PortRange | null; transports: readonly Transport[] }> {
  const { values } = context.args;
  const transport = values.get('transport')?.toLowerCase();
  if (transport !== undefined && !isTransport(transport)) {
    throw new PortolanError('USAGE', `--transport takes tcp, udp, sctp or dccp, not “${echo(transport)}”.`);
  }
  const raw = values.get('port');
  if (raw === undefined)
    return { ports: null, transports: transport === undefined ? ['tcp', 'udp'] : [transport] };
  const asked = await readPorts(raw, context.lang, () => context.facts(false));
  return { ports: asked.range, transports: transport === undefined ? asked.transports : [transport] };
}

type Test = (holder: Holder) => boolean;

function filters(values: ReadonlyMap<string, string>): Test[] {
  const tests: Test[] = [];
  const state = values.get('state');
  if (state !== undefined) {
    const word = state.toUpperCase().replaceAll('-', '_');
    const kind = HOLDER_KINDS.find((known) => known === state.toLowerCase());
    if (!STATES.includes(word) && kind === undefined) {
      throw new PortolanError('USAGE', `There is no state or kind “${echo(state)}”.`, {
        hint: `States: ${STATES.join(', ')}. Kinds: ${HOLDER_KINDS.join(', ')}.`,
      });
    }
    tests.push((holder) => holder.state === word || holder.kind === kind);
  }
  const user = values.get('user');
  if (user !== undefined) {
    tests.push(
      (holder) =>
        holder.user === user ||
        String(holder.uid ?? '') === user ||
        holder.owners.some((owner) => owner.user === user),
    );
  }
  const process = values.get('process');
  if (process !== undefined) {
    const word = process.toLowerCase();
    tests.push((holder) =>
      holder.owners.some((owner) => String(owner.pid) === process || owner.name.toLowerCase().includes(word)),
    );
  }
  return tests;
}
