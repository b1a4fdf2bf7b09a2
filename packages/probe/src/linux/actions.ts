// Acting on Linux: who must be asked to stop a process, confirmed by systemd or the container engine themselves.
import { readlinkSync } from 'node:fs';
import type { Asker, Container, Holder, Manager, Managers, Owner, UnitScope } from '@portolan/core';
import type { Actions, Told } from '../actions.ts';
import { asObject, asString, parseJson, ShapeError } from '../parse/json-shape.ts';
import { parseCgroupFile, parseProcStat, readCgroupPath } from '../parse/linux-proc-pid.ts';
import { isUnitName, isWithin, listensOn, userManagerOf } from '../parse/linux-systemctl.ts';
import { engineSockets } from './containers.ts';
import { type EngineAnswer, engineRequest } from './engine-http.ts';
import { isProxied } from './engine-needs.ts';
import { loadLibc } from './native.ts';
import { readText } from './read-text.ts';
import { gripProcess } from './signal.ts';
import { killUnits, stopUnits, unitProperties } from './systemctl.ts';

const TEXT_LIMIT = 1 << 16;
const ENGINE_MS = 3000;
/** Most ancestors that are followed. */
const CHAIN_LIMIT = 64;
const CONTAINER_ID = /^[0-9a-f]{64}$/;

/** Acting on this machine; `ffi: false` leaves no way to signal. */
export function linuxActions(ffi: boolean): Actions {
  const libc = ffi ? loadLibc() : null;
  return {
    asker,
    managers: (holders, port) => new ManagerSearch(port).of(holders),
    grip: (pid, startedAt, inodes) =>
      libc === null ? 'unsupported' : gripProcess(libc, pid, startedAt, inodes),
    stopUnits,
    killUnits,
    stopContainer,
  };
}

/** Ourselves, in the numbers of the /proc that is read. */
function asker(): Asker {
  const pids: number[] = [];
  let pid = Number(linkOf('/proc/self'));
  while (pid > 0 && pids.length < CHAIN_LIMIT) {
    pids.push(pid);
    pid = parseProcStat(textOf(`/proc/${pid}/stat`))?.parent ?? 0;
  }
  const cgroup = cgroupOf('self');
  return { pids, ...(cgroup === null ? { unit: null, container: null } : readCgroupPath(cgroup)) };
}

const NOBODY: Manager = { kind: 'none' };

/** What a unit says of itself, as far as it matters here. */
interface UnitFacts {
  readonly cgroup: string;
  readonly mainPid: number;
}

/** Finds managers; each is asked once. */
class ManagerSearch {
  readonly #port: number;
  readonly #units = new Map<string, Promise<UnitFacts | null>>();
  readonly #containers = new Map<string, Promise<Inspected>>();

  constructor(port: number) {
    this.#port = port;
  }

  async of(holders: readonly Holder[]): Promise<Managers> {
    const processes = new Map<number, Manager>();
    const activations = new Map<string, Manager>();
    const publishers = new Map<string, Manager>();
    for (const holder of holders) {
      if (holder.namespace !== null || (holder.kind !== 'listener' && holder.kind !== 'bound')) continue;
      const { activation, publishes } = holder;
      if (activation !== null) activations.set(activation.socketUnit, await this.#activation(holder));
      if (publishes !== null) publishers.set(publishes.container.id, await this.#publisher(holder));
      if (activation !== null || publishes !== null) continue;
      for (const owner of holder.owners) {
        if (owner.inferred || (processes.get(owner.pid) ?? NOBODY).kind !== 'none') continue;
        processes.set(owner.pid, await this.#process(owner, holder));
      }
    }
    return { processes, activations, publishers };
  }

  async #process(owner: Owner, holder: Holder): Promise<Manager> {
    if (owner.container !== null) return await this.#contained(owner, owner.container);
    // To stop a proxy helps nobody, and its unit is the whole engine.
    if (isProxied(holder)) {
      return { kind: 'unreachable', reason: 'proxy', command: `docker ps --filter publish=${this.#port}` };
    }
    return owner.unit?.endsWith('.service') === true
      ? await this.#service(owner, owner.unit, holder)
      : NOBODY;
  }

  /**
   * A unit is stopped only where systemd says that the process is in the unit's own cgroup (a cgroup that was
   * delegated to a user may be called anything) and that the unit's main process has the socket: what cron or sshd
   * has started is in their units as well.
   */
  async #service(owner: Owner, unit: string, holder: Holder): Promise<Manager> {
    const cgroup = cgroupOf(owner.pid);
    if (cgroup === null || !isUnitName(unit)) return NOBODY;
    const user = userManagerOf(cgroup);
    if (user !== null && user !== process.geteuid?.()) return NOBODY;
    const scope: UnitScope = user === null ? 'system' : 'user';
    const facts = await this.#unit(unit, scope);
    if (facts === null || !isWithin(cgroup, facts.cgroup)) return NOBODY;
    if (!holder.owners.some((one) => one.pid === facts.mainPid)) return NOBODY;
    return { kind: 'units', units: [unit], scope };
  }

  #unit(unit: string, scope: UnitScope): Promise<UnitFacts | null> {
    const key = `${scope} ${unit}`;
    let asked = this.#units.get(key);
    if (asked === undefined) {
      asked = unitProperties(unit, scope, ['Id', 'ControlGroup', 'MainPID']).then((found) => {
        const mainPid = Number(found?.get('MainPID')?.[0]);
        if (found?.get('Id')?.[0] !== unit || !(mainPid > 1)) return null;
        return { cgroup: found.get('ControlGroup')?.[0] ?? '', mainPid };
      });
      this.#units.set(key, asked);
    }
    return asked;
  }

  /** The socket unit, and the service it starts: to stop only the service would have it started again. */
  async #activation({ activation, owners }: Holder): Promise<Manager> {
    const unit = activation?.socketUnit ?? '';
    if (!isUnitName(unit)) return { kind: 'unreachable', reason: 'activation', command: null };
    const user = owners.some((owner) => owner.pid === 1) ? null : managerUser(owners);
    const scope: UnitScope = user === null ? 'system' : 'user';
    const command = `systemctl --${scope} stop ${shellSafe(unit)}`;
    const unsure: Manager = { kind: 'unreachable', reason: 'activation', command };
    if (user !== null && user !== process.geteuid?.()) return unsure;
    const found = await unitProperties(unit, scope, ['Id', 'Listen', 'Triggers']);
    if (found?.get('Id')?.[0] !== unit || !listensOn(found.get('Listen') ?? [], this.#port)) return unsure;
    const services = (found.get('Triggers')?.[0] ?? '').split(' ').filter(isUnitName);
    return { kind: 'units', units: [unit, ...services], scope };
  }

  /** A process in a container: the engine must say that the container's first process is in the same cgroup. */
  async #contained(owner: Owner, container: Container): Promise<Manager> {
    const seen = await this.#container(container);
    if (seen.engine === null) return seen.manager;
    const inside = cgroupOf(owner.pid);
    const main = seen.pid > 0 ? cgroupOf(seen.pid) : null;
    // A cgroup that only bears a container's name: nobody manages the process.
    if (inside === null || main === null || !isWithin(inside, main)) return NOBODY;
    return { kind: 'container', container: seen.container, engine: seen.engine };
  }

  /** A proxy's container: the engine must say that it publishes this port. */
  async #publisher({ publishes, transport }: Holder): Promise<Manager> {
    if (publishes === null) return NOBODY;
    const seen = await this.#container(publishes.container);
    if (seen.engine === null) return seen.manager;
    if (!seen.published.has(`${publishes.port}/${transport} ${this.#port}`)) {
      return { kind: 'unreachable', reason: 'container', command: stopCommand(publishes.container) };
    }
    return { kind: 'container', container: seen.container, engine: seen.engine };
  }

  #container(container: Container): Promise<Inspected> {
    let asked = this.#containers.get(container.id);
    if (asked === undefined) {
      asked = inspect(container);
      this.#containers.set(container.id, asked);
    }
    return asked;
  }
}

/** What an engine says of a container, or the manager that stands for its silence. */
type Inspected =
  | {
      readonly engine: string;
      readonly container: Container;
      /** Its first process. */
      readonly pid: number;
      /** `80/tcp 8080` for each port of the host that stands for one of its own. */
      readonly published: ReadonlySet<string>;
    }
  | { readonly engine: null; readonly manager: Manager };

async function inspect(container: Container): Promise<Inspected> {
  const silent: Inspected = {
    engine: null,
    manager: { kind: 'unreachable', reason: 'container', command: stopCommand(container) },
  };
  if (!CONTAINER_ID.test(container.id)) return silent;
  for (const engine of enginesOf(container.runtime)) {
    let answer: EngineAnswer;
    try {
      answer = await engineRequest(engine, 'GET', `/containers/${container.id}/json`, ENGINE_MS);
    } catch {
      continue;
    }
    if (answer.status !== 200) continue;
    try {
      return readInspection(engine, container, answer.body);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
    }
  }
  return silent;
}

function readInspection(engine: string, container: Container, body: string): Inspected {
  const told = asObject(parseJson(body, 'the answer'), 'container');
  if (asString(told['Id'], 'Id') !== container.id) throw new ShapeError('Id', 'id that was asked for');
  const name = asString(told['Name'] ?? '', 'Name').replace(/^\//, '');
  const pid = Number(asObject(told['State'], 'State')['Pid']);
  const published = new Set<string>();
  const ports = asObject(asObject(told['NetworkSettings'] ?? {}, 'NetworkSettings')['Ports'] ?? {}, 'Ports');
  for (const [inside, bindings] of Object.entries(ports)) {
    for (const binding of Array.isArray(bindings) ? (bindings as readonly unknown[]) : []) {
      published.add(`${inside} ${asString(asObject(binding, inside)['HostPort'] ?? '', 'HostPort')}`);
    }
  }
  return { engine, container: { ...container, name: name === '' ? container.name : name }, pid, published };
}

/** Sockets on which an engine of this runtime may listen. */
function enginesOf(runtime: string): readonly string[] {
  if (runtime !== 'docker' && runtime !== 'podman') return [];
  return engineSockets((name) => process.env[name])
    .filter(({ kind }) => kind === runtime)
    .map(({ path }) => path);
}

/** The command of the runtime's own tool. */
function stopCommand({ runtime, id }: Container): string | null {
  const tools: Readonly<Record<string, string>> = {
    docker: 'docker stop',
    podman: 'podman stop',
    containerd: 'crictl stop',
    'cri-o': 'crictl stop',
    lxc: 'lxc-stop -n',
    machine: 'machinectl stop',
  };
  const tool = Object.hasOwn(tools, runtime) ? tools[runtime] : undefined;
  return tool === undefined || !/^[\w.-]+$/.test(id) ? null : `${tool} ${id}`;
}

/** A unit name as a shell takes it; its characters are those of isUnitName. */
function shellSafe(unit: string): string {
  return unit.includes('\\') ? `'${unit}'` : unit;
}

async function stopContainer(container: Container, engine: string, waitSeconds: number): Promise<Told> {
  if (!CONTAINER_ID.test(container.id)) return 'not a container id';
  const path = `/containers/${container.id}/stop?t=${waitSeconds}`;
  try {
    const { status, body } = await engineRequest(engine, 'POST', path, waitSeconds * 1000 + 2 * ENGINE_MS);
    // 304: it had stopped already.
    return status === 204 || status === 304 ? null : `HTTP ${status}: ${reasonIn(body)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The message of an engine's error, which is `{"message": …}`. */
function reasonIn(body: string): string {
  try {
    return asString(asObject(parseJson(body, 'the answer'), 'error')['message'], 'message').slice(0, 300);
  } catch {
    return body.slice(0, 300);
  }
}

/** The user whose systemd has a socket open, by the cgroup of its owners; null where it is nobody's. */
function managerUser(owners: readonly Owner[]): number | null {
  for (const { pid } of owners) {
    const user = userManagerOf(cgroupOf(pid) ?? '');
    if (user !== null) return user;
  }
  return null;
}

function cgroupOf(pid: number | 'self'): string | null {
  return parseCgroupFile(textOf(`/proc/${pid}/cgroup`));
}

function textOf(path: string): string {
  return readText(path, TEXT_LIMIT)?.text ?? '';
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
