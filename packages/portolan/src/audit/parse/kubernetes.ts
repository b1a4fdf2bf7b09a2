// Kubernetes manifests, YAML or JSON: ports that they take on a node (NodePort, hostPort, host network).
import type { FixedPort, Place, PortRange } from '@portolan/core';
import { portsOfArguments } from './command-line.ts';
import { type Fault, fixedPort, type Parsed, type TextFile } from './text-file.ts';
import { itemsUnder, type Leaf, leafUnder, spotOf, type Tree, textUnder, under } from './tree.ts';
import { boundAddress, readPortNumber, readPortRange, readTransport } from './values.ts';
import { readYaml } from './yaml-tree.ts';

/** The range a cluster takes NodePorts from, and where that is set. */
export interface NodePortRange {
  readonly ports: PortRange;
  /** Null for the default of kube-apiserver. */
  readonly place: Place | null;
}

/** Ports of a manifest. */
export interface ParsedKubernetes extends Parsed {
  readonly nodePorts: readonly NodePortRange[];
}

/** Objects, ports and arguments that are looked at of one file, however its lists nest and its aliases multiply. */
const LOOK_LIMIT = 50_000;

/** Reads every document; JSON is YAML as well. */
export function readKubernetes(file: TextFile): ParsedKubernetes {
  const { trees, faults } = readYaml(file);
  const reader = new Reader(file, [...faults]);
  for (const tree of trees) reader.object(tree);
  return { fixed: reader.fixed, faults: reader.faults, nodePorts: reader.nodePorts };
}

class Reader {
  readonly fixed: FixedPort[] = [];
  readonly faults: Fault[];
  readonly nodePorts: NodePortRange[] = [];
  readonly #file: TextFile;
  #looks = 0;

  constructor(file: TextFile, faults: Fault[]) {
    this.#file = file;
    this.faults = faults;
  }

  object(tree: Tree): void {
    const kind = textUnder(tree, 'kind') ?? '';
    if (kind.endsWith('List')) {
      for (const item of this.#counted(itemsUnder(tree, 'items'))) this.object(item);
      return;
    }
    const name = textUnder(tree, 'metadata', 'name') ?? textUnder(tree, 'metadata', 'generateName') ?? kind;
    if (kind === 'Service') this.#service(tree, name);
    const pod = podOf(tree, kind);
    if (pod !== undefined) this.#pod(pod, name);
  }

  /** The items, as far as the file's share of looks goes; that it ends is told once. */
  *#counted(items: readonly Tree[]): Generator<Tree> {
    for (const item of items) {
      if (this.#looks > LOOK_LIMIT) return;
      if (++this.#looks > LOOK_LIMIT) {
        const line = this.#file.lineAt(item.at);
        this.faults.push({ kind: 'bomb', line, detail: LOOK_LIMIT.toExponential(1) });
        return;
      }
      yield item;
    }
  }

  #service(tree: Tree, name: string): void {
    const about = ['NodePort', ...wordsOf(under(tree, 'spec', 'selector'))];
    for (const port of this.#counted(itemsUnder(tree, 'spec', 'ports'))) {
      const leaf = leafUnder(port, 'nodePort');
      const transport = readTransport(textUnder(port, 'protocol'));
      if (leaf !== null && transport !== null) {
        this.#add(leaf, { service: name, about: [...about, textUnder(port, 'name') ?? ''], transport });
      }
    }
    const health = leafUnder(tree, 'spec', 'healthCheckNodePort');
    if (health !== null) this.#add(health, { service: name, about: ['health check'], transport: 'tcp' });
  }

  #pod(spec: Tree, name: string): void {
    const onHost = textUnder(spec, 'hostNetwork') === 'true';
    const containers = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((key) =>
      itemsUnder(spec, key),
    );
    for (const container of this.#counted(containers)) {
      const about = [textUnder(container, 'name') ?? '', textUnder(container, 'image') ?? ''];
      const mayBindLow = onHost ? privilegeOf(spec, container) : null;
      for (const port of this.#counted(itemsUnder(container, 'ports'))) {
        const leaf = leafUnder(port, 'hostPort') ?? (onHost ? leafUnder(port, 'containerPort') : null);
        const transport = readTransport(textUnder(port, 'protocol'));
        if (leaf === null || transport === null) continue;
        const inner = textUnder(port, 'containerPort');
        this.#add(leaf, {
          service: name,
          about,
          transport,
          address: boundAddress(textUnder(port, 'hostIP') ?? ''),
          mayBindLow,
          chosen: leaf.text !== inner,
        });
      }
      this.#words(container, onHost, name, about, mayBindLow);
    }
  }

  /** Command and arguments: the NodePort range of kube-apiserver, and ports where the node's network is used. */
  #words(
    container: Tree,
    onHost: boolean,
    name: string,
    about: readonly string[],
    mayBindLow: boolean | null,
  ): void {
    const leaves = ['command', 'args'].flatMap((key) =>
      [...this.#counted(itemsUnder(container, key))].filter((item): item is Leaf => item.kind === 'leaf'),
    );
    leaves.forEach((leaf, index) => {
      const [, inline] = /^--service-node-port-range(?:=(.*))?$/.exec(leaf.text) ?? [];
      if (!leaf.text.startsWith('--service-node-port-range')) return;
      const value = inline === undefined ? leaves[index + 1] : leaf;
      const text = inline ?? value?.text ?? '';
      const ports = readNodePortRange(text);
      if (value === undefined || ports === null) this.#wrong(leaf);
      else {
        const { at, length } = spotOf(value, value.text.length - text.length, text.length);
        this.nodePorts.push({ ports, place: this.#file.place(at, length) });
      }
    });
    if (!onHost) return;
    const skip = itemsUnder(container, 'command').length === 0 ? 1 : 0;
    const words = [...(skip === 1 ? [''] : []), ...leaves.map(({ text }) => text)];
    for (const found of portsOfArguments(words)) {
      const leaf = leaves[found.word - skip];
      if (leaf === undefined || leaf.text.startsWith('--service-node-port-range')) continue;
      const { at, length } = spotOf(leaf, found.at, found.length);
      const known = this.fixed.some(({ service, ports }) => service === name && ports[0] === found.port);
      if (known) continue;
      this.fixed.push(
        fixedPort(this.#file, {
          origin: 'kubernetes',
          ports: [found.port, found.port],
          transport: found.transport,
          address: boundAddress(found.host),
          service: name,
          about,
          role: found.role,
          place: this.#file.place(at, length),
          mayBindLow,
        }),
      );
    }
  }

  #add(leaf: Leaf, part: Pick<FixedPort, 'service' | 'about' | 'transport'> & Partial<FixedPort>): void {
    const port = readPortNumber(leaf.text);
    if (port === null) {
      if (leaf.text !== '0') this.#wrong(leaf);
      return;
    }
    const { at, length } = spotOf(leaf, 0, leaf.text.length);
    this.fixed.push(
      fixedPort(this.#file, {
        origin: 'kubernetes',
        ports: [port, port],
        place: this.#file.place(at, length),
        ...part,
      }),
    );
  }

  #wrong({ at, text }: Leaf): void {
    this.faults.push({
      kind: 'broken',
      line: this.#file.lineAt(at),
      detail: `“${text.slice(0, 60)}” is no port`,
    });
  }
}

/** `30000-32767`, or `30000+2767` as the same flag may be written. */
function readNodePortRange(text: string): PortRange | null {
  const [, base = '', more = ''] = /^(\d+)\+(\d+)$/.exec(text) ?? [];
  return base === '' ? readPortRange(text) : readPortRange(`${base}-${Number(base) + Number(more)}`);
}

/** The pod that an object is or makes. */
function podOf(tree: Tree, kind: string): Tree | undefined {
  if (kind === 'Pod') return under(tree, 'spec');
  if (kind === 'CronJob') return under(tree, 'spec', 'jobTemplate', 'spec', 'template', 'spec');
  return under(tree, 'spec', 'template', 'spec');
}

/** May the container bind low ports of the node? Null where its image decides. */
function privilegeOf(spec: Tree, container: Tree): boolean | null {
  const own = under(container, 'securityContext');
  const pod = under(spec, 'securityContext');
  const user = textUnder(own, 'runAsUser') ?? textUnder(pod, 'runAsUser');
  const notRoot = textUnder(own, 'runAsNonRoot') ?? textUnder(pod, 'runAsNonRoot');
  const added = itemsUnder(own, 'capabilities', 'add').map((item) => (item.kind === 'leaf' ? item.text : ''));
  if (textUnder(own, 'privileged') === 'true') return true;
  if ((user === null || user === '0') && notRoot !== 'true') return user === '0' ? true : null;
  // A capability that is only added does not reach a process of another user (man capabilities(7), ambient set).
  return added.some((name) => /^(?:CAP_)?(?:NET_BIND_SERVICE|ALL)$/i.test(name)) ? null : false;
}

function wordsOf(tree: Tree | undefined): string[] {
  if (tree?.kind !== 'table') return [];
  return [...tree.entries.values()].flatMap(({ value }) => (value.kind === 'leaf' ? [value.text] : []));
}
