// `portolan why PORT`: tries the bind between two looks and tells the answer, by the exit code as well.
import { type BindHost, PortolanError, type PortRange, whyJson, whyPage } from '@portolan/core';
import { onlyPort, readPort } from '../../ask.ts';
import type { Run } from '../../command.ts';
import { reportOn } from '../../report-on.ts';
import { showJson, showPage } from '../../show.ts';
import { type AskedBind, checkAsked, explainBind, lookFor } from '../../why.ts';

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

export const run: Run = async (context) => {
  const { values, switches, positionals } = context.args;
  const raw = onlyPort(positionals, 'why');
  const { range, transports } = await readPort(raw, context.lang, () => context.facts(false));
  const port = range[0];
  const [transport = 'tcp', other] = transports;
  if (other === undefined && transport !== 'tcp' && transport !== 'udp') {
    throw new PortolanError('USAGE', `why tries tcp and udp, not ${transport}.`);
  }
  const pick = (name: 'address' | 'family' | 'reuse'): Partial<AskedBind> => {
    const value = values.get(name);
    return value === undefined ? {} : { [name]: value };
  };
  const asked: AskedBind = {
    port,
    transport: transport === 'udp' && other === undefined ? 'udp' : 'tcp',
    ...addressIn(raw),
    ...pick('address'),
    ...pick('family'),
    ...pick('reuse'),
  };
  const { address: serviceAddress } = checkAsked(asked);
  const { bindHost, bindTrials } = await import('@portolan/probe');
  const printed = values.has('snapshot') || values.has('host');
  const recorded = printed || (values.get('procfs-root') ?? '/proc') !== '/proc';
  const trials = recorded
    ? null
    : await bindTrials({ child: context.bindChild, ffi: !switches.has('no-ffi') });
  try {
    const ports: PortRange = [port, port];
    const decision = await explainBind(asked, {
      look: (whole) =>
        context.look({ ports, transports: [asked.transport], serviceAddress, ...lookFor(whole) }),
      attempt: trials === null ? null : (wish) => trials.try(wish),
      // Addresses and rights of this host say nothing about another.
      host: printed ? () => Promise.resolve(UNKNOWN_HOST) : bindHost,
      evidence: printed,
      risks: async (snapshot) =>
        reportOn(port, [asked.transport], await context.facts(false), snapshot, context.call()).risks,
      call: context.call,
    });
    if (context.json) showJson(context, whyJson(decision, context.lang));
    else showPage(context, whyPage(decision));
    return decision.bindable === null ? 3 : decision.bindable ? 0 : 1;
  } finally {
    trials?.close();
  }
};

/** `127.0.0.1:3000` and `[::1]:3000` name the address as well; a name in its place, as in `localhost:3000`, does not. */
function addressIn(raw: string): Partial<AskedBind> {
  const address = /^\s*(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+(?:%[\w.-]+)?\]):\d+/i.exec(raw)?.[1];
  return address === undefined ? {} : { address };
}
