// Portolan's own saved `list --json` (and `who`): holders back to the sockets and rules they were made from.
import type {
  Activation,
  Container,
  NetNamespace,
  Owner,
  PortRange,
  ProcessRef,
  Published,
  Redirect,
  Transport,
} from '@portolan/core';
import { familyOf } from './endpoint.ts';
import {
  type JsonObject,
  type JsonShape,
  type JsonUnit,
  listOf,
  numberOf,
  objectOf,
  portOf,
  textOf,
} from './json-unit.ts';
import { draftOf, type Out } from './row.ts';
import { stateOf } from './words.ts';

const TRANSPORTS: ReadonlySet<string> = new Set(['tcp', 'udp', 'sctp', 'dccp']);

export const portolanJson: JsonShape = {
  format: 'portolan-json',
  is: (value) =>
    ('kind' in value && 'transport' in value && 'local' in value) ||
    textOf(value['format'])?.startsWith('portolan.') === true,
  read(value, out, unit) {
    if ('format' in value) return readFrame(value, out, unit);
    if (value['kind'] === 'redirect') return readRedirect(value, out, unit);
    if (value['kind'] === 'excluded') return readExcluded(value, out, unit);
    const transport = textOf(value['transport']) ?? '';
    const local = objectOf(value['local']);
    const peer = value['peer'] === null ? null : objectOf(value['peer']);
    const address = textOf(local['address']);
    const port = portOf(local['port']);
    const state = stateOf(textOf(value['state']) ?? '');
    const peerPort = peer === null ? 0 : portOf(peer['port']);
    if (
      !TRANSPORTS.has(transport) ||
      address === null ||
      port === null ||
      state === null ||
      peerPort === null
    )
      return false;
    const owners = listOf(value['owners']).map(objectOf).map(readOwner);
    if (owners.includes(null)) return false;
    const family = familyOf(address) ?? (address.includes(':') ? 'ipv6' : 'ipv4');
    const draft = draftOf(
      {
        transport: transport as Transport,
        family,
        local: { address, port },
        peer: peer === null ? null : { address: textOf(peer['address']) ?? '', port: peerPort },
        state,
        inode: value['kind'] === 'closing' ? 0 : null,
        uid: numberOf(value['uid']),
        user: textOf(value['user']),
        owners: owners as Owner[],
        device: textOf(value['device']),
        freeInMs: numberOf(value['freeInMs']),
        ipv6Only: typeof value['ipv6Only'] === 'boolean' ? value['ipv6Only'] : null,
        mptcp: value['mptcp'] === true,
        publishes: readPublished(value['publishes']),
      },
      unit.first,
    );
    draft.kernel = value['kind'] === 'kernel';
    draft.namespace = readNamespace(textOf(value['namespace']), objectOf(value['namespaceOf']));
    draft.activation = readActivation(value['activation']);
    out.saved(draft, unit.first, unit.last);
    return true;
  },
};

/** What stands around the holders: gaps were told then, and hide things now as they did. */
function readFrame(value: JsonObject, out: Out, { first, text }: JsonUnit): boolean {
  if (!/^portolan\.(?:list|who)\/1$/.test(textOf(value['format']) ?? '')) {
    out.unknown(first, text, 'json-shape');
    return true;
  }
  // A list that was cut by hand or by jq is none that says nobody is there.
  if (!Array.isArray(value['holders'])) out.unknown(first, text, 'json-shape');
  for (const gap of listOf(value['gaps']).map(objectOf)) {
    const [what, why] = [textOf(gap['what']), textOf(gap['why'])];
    if (what === null || why === null) out.unknown(first, JSON.stringify(gap), 'json-shape');
    // Which gaps hide holders is not saved: each may.
    else
      out.shown.said.push({
        code: 'printed-said',
        values: { what, why },
        remedy: textOf(gap['remedy']),
        coversUse: true,
        transports: [],
      });
  }
  return true;
}

/** Ports that Windows kept back. */
function readExcluded(value: JsonObject, out: Out, { first, last }: JsonUnit): boolean {
  const [from = null, to = null] = listOf(value['excluded']).map(portOf);
  const transport = textOf(value['transport']);
  const address = textOf(objectOf(value['local'])['address']);
  if (from === null || to === null || from > to || (transport !== 'tcp' && transport !== 'udp')) return false;
  const family = address === '::' ? 'ipv6' : address === '0.0.0.0' ? 'ipv4' : null;
  out.excluded({ transport, family, ports: [from, to] }, first, last);
  return true;
}

function readRedirect(value: JsonObject, out: Out, { first, last }: JsonUnit): boolean {
  const rule = objectOf(value['redirect']);
  const ports = listOf(rule['ports']).map(portOf);
  const [from = null, to = null] = ports;
  const transport = textOf(value['transport']) ?? '';
  const by = textOf(rule['by']);
  if (!TRANSPORTS.has(transport) || from === null || to === null || from > to) return false;
  if (by !== 'nftables' && by !== 'iptables' && by !== 'kube-proxy') return false;
  const target = objectOf(rule['target']);
  const hooks = listOf(rule['hooks']).filter((hook) => hook === 'prerouting' || hook === 'output');
  const family = textOf(rule['family']);
  const maker = textOf(rule['maker']);
  const redirect: Redirect = {
    transport: transport as Transport,
    family: family === 'ipv4' || family === 'ipv6' ? family : null,
    address: textOf(rule['address']),
    ports: [from, to] satisfies PortRange,
    target: { address: textOf(target['address']), port: portOf(target['port']) },
    ...(rule['partial'] === true && { partial: true as const }),
    hooks: hooks as Redirect['hooks'],
    by,
    table: textOf(rule['table']) ?? '',
    chain: textOf(rule['chain']) ?? '',
    maker:
      maker === 'kubernetes' || maker === 'docker' || maker === 'podman' || maker === 'cni' ? maker : null,
    name: textOf(rule['name']),
    publishes: readPublished(value['publishes']),
  };
  out.redirect(redirect, first, last);
  return true;
}

function readOwner(value: JsonObject): Owner | null {
  const pid = numberOf(value['pid']);
  const name = textOf(value['name']);
  if (pid === null || name === null) return null;
  const argv = Array.isArray(value['argv']) ? listOf(value['argv']).map((word) => textOf(word) ?? '') : null;
  return {
    pid,
    startedAt: textOf(value['startedAt']),
    name,
    exe: textOf(value['exe']),
    argv,
    cwd: textOf(value['cwd']),
    user: textOf(value['user']),
    unit: textOf(value['unit']),
    container: readContainer(value['container']),
    launchedBy: listOf(value['launchedBy'])
      .map(readProcess)
      .filter((each) => each !== null),
    inferred: value['inferred'] === true,
  };
}

function readProcess(value: unknown): ProcessRef | null {
  const { pid, startedAt, name } = objectOf(value);
  const number = numberOf(pid);
  const text = textOf(name);
  return number === null || text === null ? null : { pid: number, startedAt: textOf(startedAt), name: text };
}

function readContainer(value: unknown): Container | null {
  const { runtime, id, name } = objectOf(value);
  return typeof runtime === 'string' && typeof id === 'string' ? { runtime, id, name: textOf(name) } : null;
}

function readPublished(value: unknown): Published | null {
  const { container, port } = objectOf(value);
  const inner = portOf(port);
  const whose = readContainer(container);
  return inner === null || whose === null ? null : { container: whose, port: inner };
}

function readActivation(value: unknown): Activation | null {
  const { socketUnit, serviceUnit } = objectOf(value);
  return typeof socketUnit === 'string' ? { socketUnit, serviceUnit: textOf(serviceUnit) } : null;
}

/** Names as the view writes them: of ip-netns(8), `net:[INODE]`, `pid:PID`. */
function readNamespace(name: string | null, of: JsonObject): NetNamespace | null {
  if (name === null) return null;
  const inode = numberOf(/^net:\[(\d+)\]$/.exec(name)?.[1]);
  const known = inode !== null || name.startsWith('pid:');
  return {
    inode,
    names: known ? [] : [name],
    container: readContainer(of['container']),
    process: readProcess(of['process']),
  };
}
