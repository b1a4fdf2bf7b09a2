// devcontainer.json (containers.dev specification): ports that are forwarded or published to this host.
import type { FixedPort } from '@portolan/core';
import { portsOfArguments } from './command-line.ts';
import { readPublished } from './compose-ports.ts';
import { readJson } from './json-tree.ts';
import { type Fault, fixedPort, type Parsed, type TextFile } from './text-file.ts';
import { itemsUnder, type Leaf, spotOf, type Tree, textUnder, under } from './tree.ts';
import { boundAddress, readPortNumber, readPortRange } from './values.ts';

/** Ports of a devcontainer, and the compose files it is made of, each merged over those before it. */
export interface ParsedDevcontainer extends Parsed {
  readonly composeFiles: readonly { readonly path: string; readonly line: number }[];
}

/** Reads forwardPorts, appPort, portsAttributes, published ports of runArgs, and dockerComposeFile. */
export function readDevcontainer(file: TextFile): ParsedDevcontainer {
  const { tree, faults: broken } = readJson(file);
  const root = tree ?? undefined;
  const faults: Fault[] = [...broken];
  const fixed: FixedPort[] = [];
  const name = textUnder(root, 'name') ?? textUnder(root, 'service') ?? '';
  const add = (
    leaf: Leaf,
    spot: { at: number; length: number },
    part: Pick<FixedPort, 'ports' | 'service'> & Partial<FixedPort>,
  ): void => {
    const { at, length } = spotOf(leaf, spot.at, spot.length);
    fixed.push(
      fixedPort(file, {
        origin: 'devcontainer',
        transport: 'tcp',
        place: file.place(at, length),
        about: [name],
        ...part,
      }),
    );
  };
  for (const item of itemsUnder(root, 'forwardPorts')) {
    if (item.kind !== 'leaf') continue;
    // "db:5432" forwards that container's port to the same number here.
    const [, digits = ''] = /^(?:[^:]+:)?(\d+)$/.exec(item.text) ?? [];
    const port = readPortNumber(digits);
    if (port === null) faults.push(wrong(file, item));
    else {
      add(
        item,
        { at: item.text.length - digits.length, length: digits.length },
        {
          ports: [port, port],
          service: 'forwardPorts',
          address: '127.0.0.1',
        },
      );
    }
  }
  const app = under(root, 'appPort');
  for (const item of app?.kind === 'list' ? app.items : app === undefined ? [] : [app]) {
    if (item.kind !== 'leaf') continue;
    const single = readPortRange(item.text);
    if (single !== null) {
      add(item, { at: 0, length: item.text.length }, { ports: single, service: 'appPort' });
      continue;
    }
    const published = readPublished(item.text);
    if (published === null) faults.push(wrong(file, item));
    else if (published.host !== null) {
      add(item, published.host, {
        ports: published.host.ports,
        service: 'appPort',
        transport: published.transport,
        address: boundAddress(published.address ?? ''),
      });
    }
  }
  const attributes = under(root, 'portsAttributes');
  if (attributes?.kind === 'table') {
    for (const [key, { keyAt, value }] of attributes.entries) {
      const [, digits = ''] = /^(?:[^:]+:)?(\d+(?:-\d+)?)$/.exec(key) ?? [];
      const ports = readPortRange(digits);
      if (ports === null) continue;
      const leaf: Leaf = { kind: 'leaf', text: key, plain: false, at: keyAt, raw: `"${key}"` };
      add(
        leaf,
        { at: key.length - digits.length, length: digits.length },
        {
          ports,
          service: textUnder(value, 'label') ?? 'portsAttributes',
          role: 'names',
        },
      );
    }
  }
  const args = itemsUnder(root, 'runArgs').filter((item): item is Leaf => item.kind === 'leaf');
  for (const found of portsOfArguments(['docker', ...args.map(({ text }) => text)])) {
    const leaf = args[found.word - 1];
    if (leaf === undefined) continue;
    add(leaf, found, {
      ports: [found.port, found.port],
      service: 'runArgs',
      transport: found.transport,
      address: boundAddress(found.host),
    });
  }
  const compose = under(root, 'dockerComposeFile');
  const named = compose?.kind === 'list' ? compose.items : compose === undefined ? [] : [compose];
  const composeFiles = named.flatMap((item) =>
    item.kind === 'leaf' && item.text !== '' ? [{ path: item.text, line: file.lineAt(item.at) }] : [],
  );
  return { fixed, faults, composeFiles };
}

function wrong(file: TextFile, { at, text }: Tree & { kind: 'leaf' }): Fault {
  return { kind: 'broken', line: file.lineAt(at), detail: `“${text.slice(0, 60)}” is no port` };
}
