// What container engines say about their containers: the Docker Engine API, and Podman's own.
import { isTransport, type Transport } from '@portolan/core';
import { asArray, asObject, asPort, asString, parseJson, ShapeError } from './json-shape.ts';

/** A port of the host that stands for a container's, or a run of them. */
export interface PublishedPort {
  /** Address of the host it is on; null for all of them. */
  readonly address: string | null;
  readonly hostPort: number;
  readonly containerPort: number;
  /** How many ports from these two on stand for each other, one by one. */
  readonly count: number;
  readonly transport: Transport;
}

/** A container as its engine tells it. */
export interface EngineContainer {
  readonly id: string;
  readonly name: string | null;
  /** The engine: `docker`, `podman` or `containerd`. */
  readonly runtime: string;
  /** True for the container that only keeps the network of a pod: what the pod publishes is its own. */
  readonly infra: boolean;
  readonly published: readonly PublishedPort[];
}

/** What was read, or why nothing was. */
export type EngineContainers =
  | { readonly ok: true; readonly containers: readonly EngineContainer[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads the answer to Docker's `GET /containers/json` (Docker Engine API v1.24 and later). Fields that are not used may
 * be missing or anything; a used one of another shape makes the whole answer unreadable, with the place in `problem`.
 * Containers with the host's network publish nothing.
 */
export function parseDockerContainers(text: string): EngineContainers {
  return reading(() =>
    readContainers(text, (container, place) => ({
      runtime: 'docker',
      infra: false,
      published: asList(container['Ports'], `${place}, Ports`, readDockerPort),
    })),
  );
}

/**
 * Reads the answer to Podman's `GET /libpod/containers/json` (Podman 3 and later). Its compatible `/containers/json`
 * would show the first port of every run alone. Each member of a pod lists the pod's ports.
 */
export function parsePodmanContainers(text: string): EngineContainers {
  return reading(() =>
    readContainers(text, (container, place) => ({
      runtime: 'podman',
      infra: container['IsInfra'] === true,
      published: asList(container['Ports'], `${place}, Ports`, readPodmanPort),
    })),
  );
}

/**
 * Reads nerdctl's label `nerdctl/ports`, a list of `{HostPort, ContainerPort, Protocol, HostIP}`; nerdctl since 2.1.3
 * keeps the ports elsewhere and has no such label. Throws ShapeError.
 */
export function readNerdctlPorts(text: string, place: string): PublishedPort[] {
  return asList(parseJson(text, place), place, (port, here) => [
    {
      address: readAddress(port['HostIP'], `${here}, HostIP`),
      hostPort: asPort(port['HostPort'], `${here}, HostPort`),
      containerPort: asPort(port['ContainerPort'], `${here}, ContainerPort`),
      count: 1,
      transport: readTransport(port['Protocol'], `${here}, Protocol`),
    },
  ]);
}

/** Longest name of a container: Kubernetes' `namespace/pod/container` takes 63 + 253 + 63 characters (RFC 1123). */
const NAME_LIMIT = 512;

/** The name, or null for one so long that no engine gives it. */
export function saneName(name: string | null): string | null {
  return name === null || name.length > NAME_LIMIT ? null : name;
}

/** Runs a reading that may find another shape. */
export function reading(read: () => readonly EngineContainer[]): EngineContainers {
  try {
    return { ok: true, containers: read() };
  } catch (error) {
    if (error instanceof ShapeError) return { ok: false, problem: error.message };
    throw error;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function readContainers(
  text: string,
  rest: (container: Fields, place: string) => Omit<EngineContainer, 'id' | 'name'>,
): EngineContainer[] {
  return asArray(parseJson(text, 'the answer'), 'the answer').map((value, index) => {
    const place = `container ${index}`;
    const container = asObject(value, place);
    return {
      id: asString(container['Id'], `${place}, Id`),
      name: readName(container['Names'], place),
      ...rest(container, place),
    };
  });
}

/** Docker's names begin with a slash; one with two is an alias by which another container knows it (a link). */
function readName(value: unknown, place: string): string | null {
  if (value === undefined || value === null) return null;
  const names = asArray(value, `${place}, Names`).map((name, index) =>
    asString(name, `${place}, Names ${index}`).replace(/^\//, ''),
  );
  return saneName(names.find((name) => name !== '' && !name.includes('/')) ?? null);
}

/** A list of objects, which may be missing. */
function asList(
  value: unknown,
  place: string,
  read: (fields: Fields, place: string) => PublishedPort[],
): PublishedPort[] {
  if (value === undefined || value === null) return [];
  return asArray(value, place).flatMap((entry, index) => {
    const here = `${place} ${index}`;
    return read(asObject(entry, here), here);
  });
}

/** A port without PublicPort is exposed and not published. */
function readDockerPort(port: Fields, place: string): PublishedPort[] {
  if (port['PublicPort'] === undefined || port['PublicPort'] === 0) return [];
  return [
    {
      address: readAddress(port['IP'], `${place}, IP`),
      hostPort: asPort(port['PublicPort'], `${place}, PublicPort`),
      containerPort: asPort(port['PrivatePort'], `${place}, PrivatePort`),
      count: 1,
      transport: readTransport(port['Type'], `${place}, Type`),
    },
  ];
}

function readPodmanPort(port: Fields, place: string): PublishedPort[] {
  // Exposed and not published.
  if (port['host_port'] === undefined || port['host_port'] === 0) return [];
  const hostPort = asPort(port['host_port'], `${place}, host_port`);
  const containerPort = asPort(port['container_port'], `${place}, container_port`);
  const range = port['range'];
  const count = range === undefined || range === 0 ? 1 : asPort(range, `${place}, range`);
  asPort(Math.max(hostPort, containerPort) + count - 1, `${place}, its last port`);
  return [
    {
      address: readAddress(port['host_ip'], `${place}, host_ip`),
      hostPort,
      containerPort,
      count,
      transport: readTransport(port['protocol'], `${place}, protocol`),
    },
  ];
}

function readAddress(value: unknown, place: string): string | null {
  if (value === undefined || value === null || value === '') return null;
  return asString(value, place);
}

function readTransport(value: unknown, place: string): Transport {
  const word = asString(value, place);
  if (!isTransport(word)) throw new ShapeError(place, 'transport');
  return word;
}
