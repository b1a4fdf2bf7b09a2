// Asks container engines for the names of containers and the ports they publish, and joins what they say to what the
// kernel shows. Whose a socket is, the kernel alone says.
import { realpathSync, statSync } from 'node:fs';
import type {
  Container,
  Gap,
  NetNamespace,
  Owner,
  Published,
  Redirect,
  Socket,
  Transport,
} from '@portolan/core';
import {
  type EngineContainer,
  type EngineContainers,
  type PublishedPort,
  parseDockerContainers,
  parsePodmanContainers,
} from '../parse/container-engines.ts';
import { listContainerd } from './containerd.ts';
import { engineRequest } from './engine-http.ts';
import { type EngineKind, enginesNeeded, isProxied } from './engine-needs.ts';

/** How long an engine may take; one that is well answers within a tenth of a second. */
const TIMEOUT_MS = 1500;

/** A unix socket on which an engine may listen. */
export interface EngineSocket {
  readonly kind: EngineKind;
  readonly path: string;
}

/** What is needed of the outside. */
export interface ContainerOptions {
  readonly engines: readonly EngineSocket[];
  /** The command that was given, to be given again with other rights; null where more rights do not help. */
  readonly again: string | null;
}

/** Sockets and redirects with the containers' names and published ports, and which engines did not answer. */
export interface NamedContainers {
  readonly sockets: readonly Socket[];
  readonly redirects: readonly Redirect[];
  readonly gaps: readonly Gap[];
}

/** Where engines listen by default, and where DOCKER_HOST says. `env` looks up the environment. */
export function engineSockets(env: (name: string) => string | undefined): EngineSocket[] {
  const found: EngineSocket[] = [];
  const runtimeDir = env('XDG_RUNTIME_DIR');
  // DOCKER_HOST may name another machine: only sockets of this one are asked.
  const dockerHost = /^unix:\/\/(\/.+)$/.exec(env('DOCKER_HOST') ?? '')?.[1];
  if (dockerHost !== undefined) found.push({ kind: 'docker', path: dockerHost });
  found.push({ kind: 'docker', path: '/var/run/docker.sock' }, { kind: 'docker', path: '/run/docker.sock' });
  found.push({ kind: 'podman', path: '/run/podman/podman.sock' });
  if (runtimeDir?.startsWith('/') === true) {
    found.push({ kind: 'docker', path: `${runtimeDir}/docker.sock` });
    found.push({ kind: 'podman', path: `${runtimeDir}/podman/podman.sock` });
  }
  found.push({ kind: 'containerd', path: '/run/containerd/containerd.sock' });
  found.push({ kind: 'containerd', path: '/run/k3s/containerd/containerd.sock' });
  return found;
}

/** Asks engines, only those that could add something, and joins their answers. Never rejects. */
export async function nameContainers(
  sockets: readonly Socket[],
  redirects: readonly Redirect[],
  { engines, again }: ContainerOptions,
): Promise<NamedContainers> {
  const needed = enginesNeeded(sockets, redirects);
  const present = presentEngines(engines).filter(({ kind }) => needed.has(kind));
  const answers = await Promise.all(present.map(async (engine) => ({ engine, answer: await ask(engine) })));
  const known = answers.flatMap(({ answer }) => (typeof answer === 'string' ? [] : answer));
  const joined = join(sockets, redirects, known);
  // An engine that did not answer matters where its answer could still add something.
  const missing = enginesNeeded(joined.sockets, joined.redirects);
  const gaps = answers.flatMap(({ engine, answer }) =>
    typeof answer === 'string' && missing.has(engine.kind) ? [unreadable(engine, answer, again)] : [],
  );
  return { ...joined, gaps };
}

/**
 * Engines whose sockets are there, each once: /var/run is a link to /run, and docker.sock may be one to Podman's.
 * A socket in a folder that may not be entered is kept: it may be there.
 */
function presentEngines(engines: readonly EngineSocket[]): EngineSocket[] {
  const present = new Map<string, EngineSocket>();
  for (const { kind, path } of engines) {
    try {
      const real = realpathSync(path);
      if (present.has(real) || !statSync(real).isSocket()) continue;
      const isPodman = kind === 'docker' && real.includes('podman');
      present.set(real, { kind: isPodman ? 'podman' : kind, path });
    } catch (error) {
      if (codeOf(error) === 'EACCES' && !present.has(path)) present.set(path, { kind, path });
    }
  }
  return [...present.values()];
}

const QUESTIONS: Readonly<
  Record<'docker' | 'podman', { path: string; parse: (text: string) => EngineContainers }>
> = {
  // Without a version in the path Docker speaks its newest, and the fields that are read never changed.
  docker: { path: '/containers/json', parse: parseDockerContainers },
  podman: { path: '/v4.0.0/libpod/containers/json', parse: parsePodmanContainers },
};

/** An engine's containers, or why it told none. */
async function ask({ kind, path }: EngineSocket): Promise<readonly EngineContainer[] | string> {
  try {
    if (kind === 'containerd') return await listContainerd(path, TIMEOUT_MS);
    const { path: question, parse } = QUESTIONS[kind];
    const { status, body } = await engineRequest(path, 'GET', question, TIMEOUT_MS);
    if (status !== 200) return `HTTP status ${status}`;
    const parsed = parse(body);
    return parsed.ok ? parsed.containers : parsed.problem;
  } catch (error) {
    return codeOf(error) ?? String(error);
  }
}

function codeOf(error: unknown): string | null {
  return (error as NodeJS.ErrnoException).code ?? null;
}

/** What shows it instead. */
const OWN_COMMANDS: Readonly<Record<EngineKind, string>> = {
  docker: 'docker ps',
  podman: 'podman ps',
  containerd: 'ctr --namespace k8s.io containers list',
};

function unreadable({ kind, path }: EngineSocket, reason: string, again: string | null): Gap {
  const refused = reason === 'EACCES' || reason === 'EPERM';
  return {
    code: 'containers-unreadable',
    values: { engine: kind, path, reason },
    remedy: refused && again !== null ? `sudo ${again}` : OWN_COMMANDS[kind],
    coversUse: false,
    transports: [],
  };
}

function join(
  sockets: readonly Socket[],
  redirects: readonly Redirect[],
  known: readonly EngineContainer[],
): { sockets: readonly Socket[]; redirects: readonly Redirect[] } {
  if (known.length === 0) return { sockets, redirects };
  const names = new Map(known.map(({ id, name }) => [id, name]));
  const owners = new Map<Owner, Owner>();
  const namespaces = new Map<NetNamespace, NetNamespace>();
  return {
    sockets: sockets.map((socket) => {
      const named = socket.owners.map((owner) => memo(owners, owner, names));
      const namespace = socket.namespace === null ? null : memo(namespaces, socket.namespace, names);
      const publishes = isProxied(socket) ? publishedBy(socket, known) : null;
      const same =
        publishes === null &&
        namespace === socket.namespace &&
        named.every((owner, index) => owner === socket.owners[index]);
      return same
        ? socket
        : { ...socket, owners: named, namespace, publishes: publishes ?? socket.publishes };
    }),
    redirects: redirects.map((redirect) => nameRedirect(redirect, known, names)),
  };
}

/** One value with its container named; the same for the same, as many sockets share an owner or a namespace. */
function memo<T extends { readonly container: Container | null }>(
  done: Map<T, T>,
  value: T,
  names: ReadonlyMap<string, string | null>,
): T {
  const before = done.get(value);
  if (before !== undefined) return before;
  const { container } = value;
  const name = container === null ? null : (names.get(container.id) ?? null);
  const after = container === null || name === null ? value : { ...value, container: { ...container, name } };
  done.set(value, after);
  return after;
}

/** The container's port that a proxy's socket stands for. */
function publishedBy(
  { transport, local, ipv6Only }: Socket,
  known: readonly EngineContainer[],
): Published | null {
  return only(known, transport, local.port, ({ address }) => {
    if (address === local.address) return true;
    if (address === null) return local.address === '0.0.0.0' || local.address === '::';
    // One socket of both families serves what is published on all IPv4 addresses.
    return address === '0.0.0.0' && local.address === '::' && ipv6Only !== true;
  });
}

function nameRedirect(
  redirect: Redirect,
  known: readonly EngineContainer[],
  names: ReadonlyMap<string, string | null>,
): Redirect {
  const { maker, ports, address, target, transport } = redirect;
  // Rules of Kubernetes name what they are for themselves; rules of nobody known are nobody's.
  if (maker === null || maker === 'kubernetes') return redirect;
  if (redirect.publishes !== null) {
    const { container } = redirect.publishes;
    const name = names.get(container.id) ?? null;
    if (name === null) return redirect;
    const publishes = { ...redirect.publishes, container: { ...container, name } };
    return { ...redirect, publishes, name: redirect.name ?? name };
  }
  // For a run of ports there is no one port of the container.
  if (ports[0] !== ports[1]) return redirect;
  const publishes = only(
    known,
    transport,
    ports[0],
    (port) => address === null || isAnyAddress(port.address) || port.address === address,
  );
  if (publishes === null || publishes.port !== (target.port ?? ports[0])) return redirect;
  return { ...redirect, publishes, name: redirect.name ?? publishes.container.name };
}

function isAnyAddress(address: string | null): boolean {
  return address === null || address === '0.0.0.0' || address === '::';
}

/**
 * The one container that publishes this port of the host. The members of a Podman pod all list the pod's ports; they
 * are those of its infra container, which keeps the network for the others. Null where several could be meant.
 */
function only(
  known: readonly EngineContainer[],
  transport: Transport,
  hostPort: number,
  matches: (port: PublishedPort) => boolean,
): Published | null {
  const found = known.flatMap((container) => {
    const port = container.published.find(
      (one) =>
        one.transport === transport &&
        hostPort >= one.hostPort &&
        hostPort < one.hostPort + one.count &&
        matches(one),
    );
    return port === undefined ? [] : [{ container, port: port.containerPort + hostPort - port.hostPort }];
  });
  const infra = found.filter(({ container }) => container.infra);
  const candidates = infra.length === 1 ? infra : found;
  const [first] = candidates;
  if (first === undefined || candidates.some(({ container }) => container.id !== first.container.id))
    return null;
  const { runtime, id, name } = first.container;
  return { container: { runtime, id, name }, port: first.port };
}
