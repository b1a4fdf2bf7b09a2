// Scripts of a package.json: ports in their command lines.
import { portsOfCommand } from './command-line.ts';
import { readJson } from './json-tree.ts';
import { fixedPort, type Parsed, type TextFile } from './text-file.ts';
import { spotOf, textUnder, under } from './tree.ts';
import { boundAddress } from './values.ts';

/** Reads the scripts. */
export function readPackageJson(file: TextFile): Parsed {
  const { tree, faults } = readJson(file);
  const scripts = under(tree ?? undefined, 'scripts');
  if (scripts?.kind !== 'table') return { fixed: [], faults };
  const name = textUnder(tree ?? undefined, 'name') ?? '';
  const fixed = [...scripts.entries].flatMap(([script, { value }]) => {
    if (value.kind !== 'leaf' || value.plain) return [];
    return portsOfCommand(value.text).map((found) => {
      const { at, length } = spotOf(value, found.at, found.length);
      return fixedPort(file, {
        origin: 'package-json',
        ports: [found.port, found.port],
        transport: found.transport,
        address: boundAddress(found.host),
        service: script,
        about: [name, found.program],
        role: found.role,
        place: file.place(at, length),
        mayBindLow: found.role === 'binds' ? false : null,
      });
    });
  });
  return { fixed, faults };
}
