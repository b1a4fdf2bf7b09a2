// Compose files (Compose specification): ports that services publish on this host or bind there themselves.
import type { FixedPort } from '@portolan/core';
import { portsOfArguments, portsOfCommand } from './command-line.ts';
import { readPublished } from './compose-ports.ts';
import { type Filled, fill, type Settings, sourceOf } from './interpolate.ts';
import { type Fault, FIXED_LIMIT, fixedPort, type Parsed, type TextFile } from './text-file.ts';
import { itemsUnder, type Leaf, leafUnder, spotOf, type Table, type Tree, textUnder, under } from './tree.ts';
import { boundAddress, readPortNumber, readPortRange, readTransport, type Spot } from './values.ts';
import { readYaml } from './yaml-tree.ts';

/** What a compose file is read with. */
export interface ComposeOptions {
  /** Variables of the .env beside it. */
  readonly settings: Settings;
  /** Another file that this one extends; null where it cannot be read. The path is as it is written there. */
  other(path: string, from: TextFile): TextFile | null;
  /** Files that are merged over this one, the last word last: what they take away of it is not told as its own. */
  readonly overrides?: readonly TextFile[];
}

/** Compose files that are taken in together: the first, and those that are merged over it. */
export interface Include {
  readonly paths: readonly string[];
  /** Files of variables in place of the .env beside the first; null where none are named. */
  readonly envFiles: readonly string[] | null;
  /** Folder that takes the place of the first file's; null where none is named. */
  readonly folder: string | null;
  readonly line: number;
}

/** Ports of a compose file, and the other compose files that it takes in. */
export interface ParsedCompose extends Parsed {
  readonly includes: readonly Include[];
}

/** A service and the file it stands in. */
interface Service {
  readonly file: TextFile;
  readonly services: ReadonlyMap<string, Tree>;
  readonly name: string;
  readonly tree: Table;
}

/** Reads a compose file. */
export function readCompose(file: TextFile, options: ComposeOptions): ParsedCompose {
  const { trees, faults } = readYaml(file);
  const reader = new Reader(options, [...faults]);
  const fixed: FixedPort[] = [];
  for (const tree of trees) {
    const services = servicesOf(tree);
    for (const [name, body] of services) {
      if (body.kind !== 'table') continue;
      for (const port of reader.ports({ file, services, name, tree: body })) {
        if (fixed.length < FIXED_LIMIT) fixed.push(port);
      }
      if (fixed.length < FIXED_LIMIT) continue;
      // One service may stand for the same list as the next, by aliases, and so on.
      reader.faults.push({ kind: 'bomb', line: file.lineAt(body.at), detail: FIXED_LIMIT.toExponential(1) });
      return { fixed, faults: reader.faults, includes: [] };
    }
  }
  return {
    fixed,
    faults: reader.faults,
    includes: trees.flatMap((tree) => includesOf(tree, file, options.settings)),
  };
}

/** `include` as a path, or as an object whose paths are merged (Compose file reference, include). */
function includesOf(tree: Tree, file: TextFile, settings: Settings): Include[] {
  const words = (part: Tree | undefined): string[] =>
    (part?.kind === 'list' ? part.items : part === undefined ? [] : [part]).flatMap((word) =>
      word.kind === 'leaf' && word.text !== '' ? [fill(word.text, settings).text] : [],
    );
  return itemsUnder(tree, 'include').flatMap((item): Include[] => {
    const path = item.kind === 'leaf' ? item : under(item, 'path');
    const paths = words(path);
    const envFiles = words(under(item, 'env_file'));
    return paths.length === 0
      ? []
      : [
          {
            paths,
            envFiles: envFiles.length === 0 ? null : envFiles,
            folder: words(under(item, 'project_directory'))[0] ?? null,
            line: file.lineAt(path?.at ?? item.at),
          },
        ];
  });
}

/** Services by name; the first format of Compose had them at the top. */
function servicesOf(tree: Tree): ReadonlyMap<string, Tree> {
  const services = under(tree, 'services');
  const table = services?.kind === 'table' ? services : tree;
  if (table.kind !== 'table') return new Map();
  const entries = [...table.entries].filter(
    ([, { value }]) =>
      services !== undefined || under(value, 'image') !== undefined || under(value, 'build') !== undefined,
  );
  return new Map(entries.map(([name, { value }]) => [name, value]));
}

/** Longest chain of services that extend each other. */
const CHAIN_LIMIT = 32;

/** Keys of a service whose lists are joined, where one is merged over another; of the others the last word counts. */
const JOINED = ['ports', 'expose', 'environment'];
const REPLACED = ['command', 'entrypoint'];

class Reader {
  readonly faults: Fault[];
  readonly #told = new Set<string>();
  readonly #options: ComposeOptions;
  /** Services of files that are merged over this one, the last word first. */
  readonly #over: readonly ReadonlyMap<string, Tree>[];
  /** Services of other files by folder and path, each file read once. */
  readonly #others = new Map<string, { file: TextFile; services: ReadonlyMap<string, Tree>[] } | null>();

  constructor(options: ComposeOptions, faults: Fault[]) {
    this.#options = options;
    this.faults = faults;
    this.#over = (options.overrides ?? [])
      .toReversed()
      .flatMap((file) => readYaml(file).trees.map(servicesOf));
  }

  /** Ports of a service, those of the services it extends included. */
  ports(service: Service): FixedPort[] {
    const over = this.#over
      .map((services) => services.get(service.name))
      .filter((tree) => tree !== undefined);
    if (over.some(({ merge }) => merge !== undefined) || service.tree.merge === 'reset') return [];
    const chain = this.#chain(service);
    const trees = [...over.filter((tree) => tree.kind === 'table'), ...chain.map(({ tree }) => tree)];
    const first = <T>(read: (tree: Table) => T | null): T | null =>
      trees.reduce<T | null>((found, tree) => found ?? read(tree), null);
    const image = first((tree) => textUnder(tree, 'image'));
    const built = chain.some(({ tree }) => under(tree, 'build') !== undefined);
    const user = first((tree) => textUnder(tree, 'user'));
    const caps = chain.flatMap(({ tree }) => itemsUnder(tree, 'cap_add').map(textOf));
    const onHost = first((tree) => textUnder(tree, 'network_mode')) === 'host';
    const common = {
      origin: 'compose' as const,
      service: service.name,
      about: [image, first((tree) => textUnder(tree, 'container_name'))].filter((word) => word !== null),
      mayBindLow:
        onHost && user !== null && !/^(?:root|0)(?::|$)/.test(user)
          ? caps.some((cap) => /^(?:CAP_)?NET_BIND_SERVICE$|^ALL$/i.test(cap))
          : null,
    };
    const context: Context = { common, ownNumber: image !== null && !built, onHost };
    const parts = chain.map(({ file, tree }, index) => ({
      file,
      tree: withoutReplaced(tree, trees.slice(0, trees.length - chain.length + index)),
    }));
    for (const { file, tree } of parts) {
      const listed = leafUnder(tree, 'ports');
      if (listed !== null && listed.text !== '') this.#fault(file, listed, 'broken', 'ports is no list');
    }
    return parts.flatMap((part) => [
      ...itemsUnder(part.tree, 'ports')
        .slice(0, FIXED_LIMIT)
        .flatMap((item) => this.#published(part.file, item, context)),
      ...(onHost ? this.#hostMode(part.file, part.tree, context) : []),
    ]);
  }

  /** The service and what it extends, nearest first. */
  #chain(service: Service): Service[] {
    const chain = [service];
    for (let last: Service = service; ; ) {
      const extended = under(last.tree, 'extends');
      if (extended === undefined) return chain;
      const name = extended.kind === 'leaf' ? extended : leafUnder(extended, 'service');
      if (name === null) return chain;
      const next = this.#extended(last, name, leafUnder(extended, 'file'));
      if (next === null) return chain;
      if (chain.length >= CHAIN_LIMIT) {
        this.#fault(service.file, name, 'broken', `more than ${CHAIN_LIMIT} services extend each other`);
        return chain;
      }
      if (chain.some((known) => known.file.file === next.file.file && known.name === next.name)) {
        this.#fault(service.file === last.file ? last.file : service.file, name, 'cycle', next.name);
        return chain;
      }
      chain.push(next);
      last = next;
    }
  }

  #extended(from: Service, name: Leaf, path: Leaf | null): Service | null {
    let { file, services } = from;
    if (path !== null) {
      const other = this.#other(fill(path.text, this.#options.settings).text, file);
      if (other === null) {
        this.#fault(from.file, path, 'broken', `${path.text.slice(0, 100)} cannot be read`);
        return null;
      }
      file = other.file;
      services = other.services.find((those) => those.has(name.text)) ?? new Map();
    }
    const tree = services.get(name.text);
    if (tree?.kind === 'table') return { file, services, name: name.text, tree };
    this.#fault(from.file, name, 'broken', `no service “${name.text.slice(0, 60)}” to extend`);
    return null;
  }

  #other(path: string, from: TextFile): { file: TextFile; services: ReadonlyMap<string, Tree>[] } | null {
    const key = `${from.project ?? ''}\0${path}`;
    const known = this.#others.get(key);
    if (known !== undefined) return known;
    const file = this.#options.other(path, from);
    const found = file === null ? null : { file, services: readYaml(file).trees.map(servicesOf) };
    this.#others.set(key, found);
    return found;
  }

  #fault(file: TextFile, { at }: Leaf, kind: Fault['kind'], detail: string): void {
    const line = file.lineAt(at);
    const key = `${line} ${kind} ${detail}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.faults.push({ kind, line, detail });
  }

  #published(file: TextFile, item: Tree, context: Context): FixedPort[] {
    if (item.kind === 'leaf') return this.#short(file, item, context);
    if (item.kind !== 'table') return [];
    const published = leafUnder(item, 'published');
    const target = leafUnder(item, 'target');
    const transport = readTransport(this.#text(leafUnder(item, 'protocol')));
    // Without a number of its own the engine chooses one.
    const leaf = context.onHost ? target : published;
    if (leaf === null || leaf.text === '' || transport === null) return [];
    const filled = fill(leaf.text, this.#options.settings);
    const ports = readPortRange(filled.text.trim());
    if (ports === null) {
      if (!/^0?$/.test(filled.text.trim()) || filled.missing.length > 0) this.#wrong(file, leaf, filled);
      return [];
    }
    return [
      this.#fixed(
        file,
        leaf,
        filled,
        { at: 0, length: filled.text.length },
        {
          ...context.common,
          ports,
          transport,
          address: boundAddress(this.#text(leafUnder(item, 'host_ip')) ?? ''),
          chosen: !(context.ownNumber && target !== null && this.#text(target) === filled.text.trim()),
        },
      ),
    ];
  }

  #short(file: TextFile, leaf: Leaf, context: Context): FixedPort[] {
    const filled = fill(leaf.text, this.#options.settings);
    const published = readPublished(filled.text.trim());
    if (published === null || (filled.missing.length > 0 && published.host === null)) {
      this.#wrong(file, leaf, filled);
      return [];
    }
    const { host, container, address, transport } = published;
    const part = context.onHost ? container : host;
    if (part === null) return [];
    const lead = filled.text.length - filled.text.trimStart().length;
    return [
      this.#fixed(
        file,
        leaf,
        filled,
        { at: lead + part.at, length: part.length },
        {
          ...context.common,
          ports: part.ports,
          transport,
          address: context.onHost ? null : boundAddress(address ?? ''),
          chosen: !(context.ownNumber && part.ports[0] === container.ports[0]),
          sexagesimal: leaf.plain ? sexagesimalOf(leaf.text) : null,
        },
      ),
    ];
  }

  /** Without a network of its own the container takes the host's ports: those it exposes, or is told to use. */
  #hostMode(file: TextFile, tree: Table, context: Context): FixedPort[] {
    const fixed: FixedPort[] = [];
    for (const item of itemsUnder(tree, 'expose')) {
      if (item.kind !== 'leaf') continue;
      const filled = fill(item.text, this.#options.settings);
      const [, digits = '', protocol] = /^(\d+(?:-\d+)?)(?:\/(\w+))?$/.exec(filled.text.trim()) ?? [];
      const ports = readPortRange(digits);
      const transport = readTransport(protocol ?? null);
      if (ports === null || transport === null) this.#wrong(file, item, filled);
      else
        fixed.push(
          this.#fixed(
            file,
            item,
            filled,
            { at: 0, length: digits.length },
            { ...context.common, ports, transport },
          ),
        );
    }
    for (const key of ['command', 'entrypoint']) {
      const command = under(tree, key);
      for (const { leaf, filled, found } of this.#commandPorts(command)) {
        fixed.push(
          this.#fixed(file, leaf, filled, found, {
            ...context.common,
            ports: [found.port, found.port],
            transport: found.transport,
            address: boundAddress(found.host),
            role: found.role,
          }),
        );
      }
    }
    const environment = under(tree, 'environment');
    const settings: { name: string; leaf: Leaf; at: number }[] = [];
    if (environment?.kind === 'table') {
      for (const [name, { value }] of environment.entries) {
        if (value.kind === 'leaf') settings.push({ name, leaf: value, at: 0 });
      }
    }
    for (const item of itemsUnder(environment)) {
      const [head, name] = /^(\w+)=/.exec(item.kind === 'leaf' ? item.text : '') ?? [];
      if (item.kind === 'leaf' && head !== undefined && name !== undefined)
        settings.push({ name, leaf: item, at: head.length });
    }
    for (const { name, leaf, at } of settings) {
      const filled = fill(leaf.text, this.#options.settings);
      const port = readPortNumber(filled.text.slice(at).trim());
      if (port === null || !/^(?:\w*_)?PORT$/i.test(name)) continue;
      const role = /^PORT$/i.test(name) ? 'binds' : 'names';
      fixed.push(
        this.#fixed(
          file,
          leaf,
          filled,
          { at, length: filled.text.length - at },
          { ...context.common, ports: [port, port], transport: 'tcp', role },
        ),
      );
    }
    return fixed;
  }

  #commandPorts(
    command: Tree | undefined,
  ): { leaf: Leaf; filled: Filled; found: Spot & ReturnType<typeof portsOfCommand>[number] }[] {
    if (command?.kind === 'leaf') {
      const filled = fill(command.text, this.#options.settings);
      return portsOfCommand(filled.text).map((found) => ({ leaf: command, filled, found }));
    }
    const leaves = itemsUnder(command).filter((item): item is Leaf => item.kind === 'leaf');
    const texts = leaves.map(({ text }) => fill(text, this.#options.settings));
    // A command without its program: whatever it is, its first word is none of ours to skip.
    const skip = texts[0]?.text.startsWith('-') === true ? 1 : 0;
    const words = [...(skip === 1 ? [''] : []), ...texts.map(({ text }) => text)];
    return portsOfArguments(words).flatMap((found) => {
      const leaf = leaves[found.word - skip];
      const filled = texts[found.word - skip];
      return leaf === undefined || filled === undefined ? [] : [{ leaf, filled, found }];
    });
  }

  #fixed(
    file: TextFile,
    leaf: Leaf,
    filled: Filled,
    spot: Spot,
    part: Parameters<typeof fixedPort>[1] extends infer P ? Omit<P, 'place'> : never,
  ): FixedPort {
    const source = sourceOf(filled, spot.at, spot.length);
    const { at, length } = spotOf(leaf, source.at, source.length);
    return fixedPort(file, {
      ...(part as Parameters<typeof fixedPort>[1]),
      place: file.place(at, length),
      variable: source.variable,
    });
  }

  #text(leaf: Leaf | null): string | null {
    return leaf === null ? null : fill(leaf.text, this.#options.settings).text.trim();
  }

  #wrong(file: TextFile, leaf: Leaf, { missing }: Filled): void {
    const name = missing[0];
    if (name === undefined) this.#fault(file, leaf, 'broken', `“${leaf.text.slice(0, 60)}” is no port`);
    else this.#fault(file, leaf, 'unresolved', name);
  }
}

/** What is the same for all ports of a service. */
interface Context {
  readonly common: Pick<FixedPort, 'origin' | 'service' | 'about' | 'mayBindLow'>;
  /** Is a number that is the same inside and outside the image's own? */
  readonly ownNumber: boolean;
  readonly onHost: boolean;
}

/** A service less what those that are merged over it replace or take away. */
function withoutReplaced(tree: Table, over: readonly Table[]): Table {
  const gone = [...JOINED, ...REPLACED].filter((key) =>
    over.some((other) => {
      const value = under(other, key);
      return value !== undefined && (value.merge !== undefined || REPLACED.includes(key));
    }),
  );
  if (gone.length === 0) return tree;
  return { ...tree, entries: new Map([...tree.entries].filter(([key]) => !gone.includes(key))) };
}

function textOf(tree: Tree): string {
  return tree.kind === 'leaf' ? tree.text : '';
}

/** What YAML 1.1 reads a plain `22:22` as: digits of base 60 (YAML 1.1 type repository, int); null for all else. */
function sexagesimalOf(text: string): number | null {
  if (!/^[1-9]\d*(?::[0-5]?\d)+$/.test(text)) return null;
  return text.split(':').reduce((value, digits) => value * 60 + Number(digits), 0);
}
