// Profiles: data files that name the ports a product uses, checked with clear errors.
import { PortolanError, type Profile } from '@portolan/core';
import { readJson } from './json-tree.ts';
import { fixedPort, type Parsed, type TextFile } from './text-file.ts';
import { itemsUnder, leafUnder, type Tree, textUnder, under } from './tree.ts';
import { readPortNumber, readTransport } from './values.ts';

/** Ports of a profile that ships. */
export function profilePorts(profile: Profile): Parsed {
  const fixed = profile.ports.flatMap(({ ports, transports, service }) =>
    (transports.length === 0 ? (['tcp'] as const) : transports).map((transport) =>
      fixedPort(
        { project: null },
        {
          origin: 'profile',
          ports,
          transport,
          service: `${profile.title}: ${service}`,
          about: [profile.name, profile.title, service],
          place: null,
          project: null,
          profile: profile.name,
          chosen: false,
        },
      ),
    ),
  );
  return { fixed, faults: [] };
}

/** Reads a profile that a user has written. Throws USAGE with file, line and what is wrong. */
export function readProfile(file: TextFile): { name: string; parsed: Parsed } {
  const { tree, faults } = readJson(file);
  const wrong = (line: number, what: string): PortolanError =>
    new PortolanError('USAGE', `The profile ${file.file}:${line} cannot be used: ${what}.`, {
      hint: 'A profile is { "format": "portolan.profile/1", "name": "mine", "title": "Mine", "ports": [ { "ports": [7000, 7000], "transports": ["tcp"], "service": "what it is for", "source": "where that is said" } ] }.',
    });
  const broken = faults[0];
  if (broken !== undefined) throw wrong(broken.line, broken.detail);
  const root = tree ?? undefined;
  if (root?.kind !== 'table') throw wrong(1, 'it is no object');
  const lineOf = (part: Tree | undefined): number => file.lineAt((part ?? root).at);
  if (textUnder(root, 'format') !== 'portolan.profile/1') {
    throw wrong(lineOf(under(root, 'format')), '"format" should be "portolan.profile/1"');
  }
  for (const [key, { keyAt }] of root.entries) {
    if (!['$schema', 'format', 'name', 'title', 'ports'].includes(key)) {
      throw wrong(file.lineAt(keyAt), `“${key}” is no key of a profile`);
    }
  }
  const text = (part: Tree | undefined, key: string): string => {
    const leaf = leafUnder(part, key);
    if (leaf === null || leaf.plain || leaf.text.trim() === '')
      throw wrong(lineOf(leaf ?? part), `"${key}" should be a filled text`);
    return leaf.text;
  };
  const name = text(root, 'name');
  const title = text(root, 'title');
  const list = under(root, 'ports');
  if (list?.kind !== 'list' || list.items.length === 0)
    throw wrong(lineOf(list), '"ports" should be a filled list');
  const fixed = list.items.flatMap((item) => {
    if (item.kind !== 'table') throw wrong(lineOf(item), 'an entry of "ports" is no object');
    for (const [key, { keyAt }] of item.entries) {
      if (!['ports', 'transports', 'service', 'source'].includes(key)) {
        throw wrong(file.lineAt(keyAt), `“${key}” is no key of an entry`);
      }
    }
    const bounds = itemsUnder(item, 'ports').map((part) =>
      part.kind === 'leaf' && part.plain ? readPortNumber(part.text) : null,
    );
    const [first, last] = bounds;
    if (bounds.length !== 2 || first == null || last == null) {
      throw wrong(
        lineOf(under(item, 'ports') ?? item),
        '"ports" should be [first, last], two port numbers within 1–65535',
      );
    }
    if (first > last) throw wrong(lineOf(under(item, 'ports')), `"ports" runs backwards: ${first} > ${last}`);
    const words = itemsUnder(item, 'transports');
    if (words.length === 0)
      throw wrong(
        lineOf(under(item, 'transports') ?? item),
        '"transports" should name tcp, udp, sctp or dccp',
      );
    const service = text(item, 'service');
    text(item, 'source');
    const at = itemsUnder(item, 'ports')[0]?.at ?? item.at;
    return words.map((word) => {
      const transport = word.kind === 'leaf' && !word.plain ? readTransport(word.text) : null;
      if (transport === null) throw wrong(lineOf(word), '"transports" should name tcp, udp, sctp or dccp');
      return fixedPort(file, {
        origin: 'profile',
        ports: [first, last],
        transport,
        service: `${title}: ${service}`,
        about: [name, title, service],
        place: file.place(at, String(first).length),
        project: null,
        profile: name,
        chosen: false,
      });
    });
  });
  return { name, parsed: { fixed, faults: [] } };
}
