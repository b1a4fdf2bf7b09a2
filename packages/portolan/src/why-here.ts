// Why a port cannot be bound on the host of a context: what the command and the MCP server share.
import { type BindHost, PortolanError, type PortRange, type WhyDecision } from '@portolan/core';
import { readPort } from './ask.ts';
import type { Context } from './command.ts';
import { reportOn } from './report-on.ts';
import { type AskedBind, checkAsked, explainBind, lookFor } from './why.ts';

/** A host of which sockets alone are known. */
const UNKNOWN_HOST: BindHost = {
  addresses: [],
  ipv6: true,
  ipv6Disabled: [],
  uid: null,
  mayBindLow: null,
  userNamespace: false,
  modules: null,
  confinedBy: null,
  seccomp: null,
};

/** Port, transport and address of a bind, as far as `raw` names them. Throws USAGE. */
export async function readAsked(context: Context, raw: string): Promise<AskedBind> {
  const { range, transports } = await readPort(raw, context.lang, () => context.facts(false));
  const [transport = 'tcp', other] = transports;
  if (other === undefined && transport !== 'tcp' && transport !== 'udp') {
    throw new PortolanError('USAGE', `why tries tcp and udp, not ${transport}.`);
  }
  return {
    port: range[0],
    transport: transport === 'udp' && other === undefined ? 'udp' : 'tcp',
    ...addressIn(raw),
  };
}

/** Looks and tries. Throws USAGE for a bind that cannot be. */
export async function decideWhy(context: Context, asked: AskedBind): Promise<WhyDecision> {
  const { values, switches } = context.args;
  const { address: serviceAddress } = checkAsked(asked);
  const { bindHost, bindTrials } = await import('@portolan/probe');
  const printed = values.has('snapshot') || values.has('host');
  const recorded = printed || (values.get('procfs-root') ?? '/proc') !== '/proc';
  const trials = recorded
    ? null
    : await bindTrials({ child: context.bindChild, ffi: !switches.has('no-ffi') });
  try {
    const ports: PortRange = [asked.port, asked.port];
    return await explainBind(asked, {
      look: (whole) =>
        context.look({ ports, transports: [asked.transport], serviceAddress, ...lookFor(whole) }),
      attempt: trials === null ? null : (wish) => trials.try(wish),
      // Addresses and rights of this host say nothing about another.
      host: printed ? () => Promise.resolve(UNKNOWN_HOST) : bindHost,
      evidence: printed,
      risks: async (snapshot) => {
        const facts = await context.facts(false);
        try {
          return reportOn(asked.port, [asked.transport], facts, snapshot, context.call()).risks;
        } finally {
          facts.close();
        }
      },
      call: context.call,
    });
  } finally {
    trials?.close();
  }
}

/**
 * `127.0.0.1:3000`, `[::1]:3000` and `http://127.0.0.1:3000/` name the address as well; a name in its place, as in
 * `localhost:3000`, does not.
 */
function addressIn(raw: string): Partial<AskedBind> {
  const address = /^\s*(?:[a-z][a-z\d+.-]*:\/\/)?(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+(?:%[\w.-]+)?\]):\d+/i.exec(
    raw,
  )?.[1];
  return address === undefined ? {} : { address };
}
