// Which room may import which, and why: the table, and the reading of imports that the test holds against it.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseSync } from 'oxc-parser';

/** One room: a folder, what its files may import, and the reason. */
export interface Room {
  /** Folder below the repository's root. */
  readonly folder: string;
  /** Folders and packages that may be imported; the room itself is always allowed. */
  readonly may: readonly string[];
  /** May files import Node's own modules? */
  readonly node: boolean;
  readonly why: string;
}

const CORE = 'packages/core/src';

/** The rooms, from the inside out. */
export const ROOMS: readonly Room[] = [
  {
    folder: `${CORE}/model`,
    may: [`${CORE}/text`],
    node: false,
    why: 'nouns know nobody; only the names of messages come from the catalog',
  },
  {
    folder: `${CORE}/decide`,
    may: [`${CORE}/model`],
    node: false,
    why: 'decisions are pure: facts and snapshots are handed in, so that they can be tested and replayed',
  },
  {
    folder: `${CORE}/text`,
    may: [`${CORE}/model`],
    node: false,
    why: 'sentences know messages and nothing of pages or terminals',
  },
  {
    folder: `${CORE}/view`,
    may: [`${CORE}/model`, `${CORE}/decide`],
    node: false,
    why: 'one page feeds terminal, JSON and HTML, so it holds no English, no ANSI and no HTML',
  },
  {
    folder: `${CORE}/render`,
    may: [`${CORE}/model`, `${CORE}/text`, `${CORE}/view`, 'get-east-asian-width'],
    node: false,
    why: 'a renderer never decides: it turns a page into characters',
  },
  {
    folder: 'packages/facts/src',
    may: ['@portolan/core', 'saxes'],
    node: true,
    why: 'data and its loader depend on the nouns alone, so that anyone can use the data',
  },
  {
    folder: 'packages/probe/src/parse',
    may: ['@portolan/core'],
    node: false,
    why: 'parsers take bytes and give rows: every system’s parser is tested on every system',
  },
  {
    folder: 'packages/probe/src/parse/printed',
    may: ['@portolan/core'],
    node: false,
    why: 'what other tools printed is understood in a browser, too: no other room of the probe comes with it',
  },
  {
    folder: 'packages/probe/src/ffi',
    may: [],
    node: true,
    why: 'the door to the functions of the system’s libraries knows runtimes and no system: what is called stands in each backend’s native.ts',
  },
  {
    folder: 'packages/probe/src/linux',
    may: [
      '@portolan/core',
      'packages/probe/src/ffi',
      'packages/probe/src/parse',
      'packages/probe/src/backend.ts',
      'packages/probe/src/actions.ts',
      'packages/probe/src/reservations.ts',
    ],
    node: true,
    why: 'a backend reads and joins; it knows no other system’s backend, and native code is loaded only in native.ts',
  },
  {
    folder: 'packages/site/src/formats',
    may: ['@portolan/core/web'],
    node: false,
    why: 'what the server writes and the browser reads is packed and unpacked in one place that both can run',
  },
  {
    folder: 'packages/site/src/islands',
    may: [
      '@portolan/core/web',
      '@portolan/probe/printed',
      '@portolan/probe/printed/documents',
      'packages/site/src/formats',
    ],
    node: false,
    why: 'islands run in the browser: they get what the server sent and nothing of Node; what is pasted is understood there, too, so that it is sent nowhere',
  },
  {
    folder: 'packages/site/src',
    may: [
      '@portolan/core',
      '@portolan/core/web',
      '@portolan/facts',
      '@portolan/probe/printed',
      '@portolan/probe/printed/documents',
      '@hono/node-server',
      'hono',
    ],
    node: true,
    why: 'pages know facts and what a host was seen to do, never how it is looked at: the probe is handed in, and only its readers of pasted output, which look at nothing, are known to the islands',
  },
  {
    folder: 'packages/probe/src/remote',
    may: [
      '@portolan/core',
      'packages/probe/src/parse',
      'packages/probe/src/backend.ts',
      'packages/probe/src/linux/backend.ts',
    ],
    node: true,
    why: 'another machine’s answer is read as that of its system; who carries the bytes is not known here, so no ssh is',
  },
  {
    folder: 'packages/probe/src/darwin',
    may: [
      '@portolan/core',
      'packages/probe/src/ffi',
      'packages/probe/src/parse',
      'packages/probe/src/backend.ts',
    ],
    node: true,
    why: 'a backend reads and joins; it knows no other system’s backend, and native code is loaded only in native.ts',
  },
  {
    folder: 'packages/probe/src/win32',
    may: [
      '@portolan/core',
      'packages/probe/src/ffi',
      'packages/probe/src/parse',
      'packages/probe/src/backend.ts',
    ],
    node: true,
    why: 'a backend reads and joins; it knows no other system’s backend, and native code is loaded only in native.ts',
  },
  {
    folder: 'packages/portolan/src/audit/parse',
    may: ['@portolan/core', 'jsonc-parser', 'yaml'],
    node: false,
    why: 'configuration is read from text that is handed in, so that every syntax and every place can be tested without files',
  },
  {
    folder: 'packages/portolan/src',
    may: [
      // The MCP server speaks through the protocol's own library, and says what its tools take by the schemas that it reads.
      '@modelcontextprotocol/sdk/server/mcp.js',
      '@modelcontextprotocol/sdk/server/stdio.js',
      '@modelcontextprotocol/sdk/types.js',
      'zod',
      // What Vite and vitest load asks the library by its name, so that it stays one; the setup is the runner’s own guest.
      'portolan',
      'vitest',
      '@portolan/core',
      '@portolan/facts',
      '@portolan/facts/data-dir',
      '@portolan/facts/update',
      '@portolan/probe',
      '@portolan/site',
      '@portolan/site/gate',
      '@portolan/probe/printed',
      '@portolan/probe/printed/documents',
      'dns-packet',
      'fastest-levenshtein',
      'jsonc-parser',
      'yaml',
    ],
    node: true,
    why: 'the program joins facts, probe and core; commands never import each other’s flags',
  },
];

/** One import that a room's rule does not allow. */
export interface Breach {
  readonly file: string;
  readonly imports: string;
  readonly why: string;
}

/** What a room was found to hold. */
export interface RoomReading {
  readonly room: Room;
  readonly files: number;
  readonly breaches: readonly Breach[];
}

/** Reads every file of a room, tests apart. */
export function readRoom(root: string, room: Room): RoomReading {
  const folder = join(root, room.folder);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name));
  const breaches = files.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => !isAllowed(root, room, file, specifier))
      .map((specifier) => ({ file: relative(root, file), imports: specifier, why: room.why })),
  );
  return { room, files: files.length, breaches };
}

function importsOf(file: string): string[] {
  const { module, errors } = parseSync(file, readFileSync(file, 'utf8'));
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message ?? 'cannot be parsed'}`);
  const text = readFileSync(file, 'utf8');
  return [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap((entry) =>
      entry.entries.map((part) => part.moduleRequest?.value).filter((value) => value !== undefined),
    ),
    ...module.dynamicImports.map((entry) =>
      text.slice(entry.moduleRequest.start, entry.moduleRequest.end).replace(/^['"]|['"]$/g, ''),
    ),
  ];
}

function isAllowed(root: string, room: Room, file: string, specifier: string): boolean {
  if (specifier.startsWith('node:')) return room.node;
  if (!specifier.startsWith('.')) return room.may.includes(specifier);
  const target = relative(root, join(file, '..', specifier));
  return [room.folder, ...room.may].some((place) => target === place || target.startsWith(`${place}/`));
}
