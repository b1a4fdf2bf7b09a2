// Procfiles: one process type a line, `web: next start -p 3000`.
import { portsOfCommand } from './command-line.ts';
import { fixedPort, type Parsed, type TextFile } from './text-file.ts';
import { boundAddress } from './values.ts';

/** Reads a Procfile; lines that are no process types are left out, as the runners leave them. */
export function readProcfile(file: TextFile): Parsed {
  const fixed = file.lines().flatMap(({ text, at }) => {
    const [head, name = ''] = /^\s*([A-Za-z0-9_-]+):\s*/.exec(text) ?? [];
    if (head === undefined) return [];
    return portsOfCommand(text.slice(head.length)).map((found) =>
      fixedPort(file, {
        origin: 'procfile',
        ports: [found.port, found.port],
        transport: found.transport,
        address: boundAddress(found.host),
        service: name,
        about: [found.program],
        role: found.role,
        place: file.place(at + head.length + found.at, found.length),
        mayBindLow: found.role === 'binds' ? false : null,
      }),
    );
  });
  return { fixed, faults: [] };
}
