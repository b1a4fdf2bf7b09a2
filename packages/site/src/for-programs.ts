// What programs read of the site itself: its OpenAPI description, made from the shipped JSON Schema and the table of
// routes, and llms.txt, which points at both.

/** One way to ask: what it is for, and what comes back. */
interface Route {
  readonly path: string;
  readonly method: 'get' | 'post';
  readonly summary: string;
  readonly parameters: readonly (keyof typeof PARAMETERS)[];
  /** Kinds of content, each by a definition of the schema or as text. */
  readonly answers: Readonly<Record<string, { readonly $ref: string } | { readonly type: 'string' }>>;
  /** Fields of the request's body, and which of them must be there. */
  readonly body?: {
    readonly fields: Readonly<Record<string, unknown>>;
    readonly required: readonly string[];
  };
  readonly status?: number;
  /** Further statuses by what they mean. */
  readonly failures: Readonly<Record<string, string>>;
  /** Only a server answers, and no folder of files. */
  readonly serverOnly?: true;
  /** Live data: for the server's own user and for whoever has the token. */
  readonly live?: true;
}

const REPORT = { $ref: '#/components/schemas/report' };
const TEXT = { type: 'string' } as const;
const USEFUL = { enum: ['no', 'partly', 'yes'] };

const PARAMETERS = {
  port: { in: 'path', required: true, schema: { type: 'integer', minimum: 0, maximum: 65_535 } },
  transport: { in: 'path', required: true, schema: { enum: ['tcp', 'udp', 'sctp', 'dccp'] } },
  lang: { in: 'query', required: false, schema: { type: 'string' } },
  whole: { in: 'query', required: false, allowEmptyValue: true, schema: { type: 'boolean' } },
} as const;

/** The routes for programs, in the order in which they are told. */
export const ROUTES: readonly Route[] = [
  {
    path: '/ports/{port}.json',
    method: 'get',
    summary:
      'What a port is said to carry; with leave to see it also who holds it here, without command lines',
    parameters: ['port'],
    answers: { 'application/json': REPORT },
    failures: { '404': 'no such port' },
  },
  {
    path: '/ports/{port}',
    method: 'get',
    summary: 'The same as JSON, as text or as a page, by the Accept header',
    parameters: ['port'],
    answers: { 'application/json': REPORT, 'text/plain': TEXT, 'text/html': TEXT },
    failures: { '404': 'no such port' },
    serverOnly: true,
  },
  {
    path: '/ports/{port}/{transport}',
    method: 'get',
    summary: 'The same of one transport',
    parameters: ['port', 'transport'],
    answers: { 'application/json': REPORT, 'text/plain': TEXT, 'text/html': TEXT },
    failures: { '404': 'no such port or transport' },
    serverOnly: true,
  },
  {
    path: '/api/live/ports/{port}',
    method: 'get',
    summary: 'The live card: a line of JSON whenever it changes, an empty line a second meanwhile',
    parameters: ['port', 'lang'],
    answers: { 'application/x-ndjson': TEXT },
    failures: {
      '401': 'neither the token nor the own user',
      '404': 'no such port',
      '429': 'too many streams',
    },
    serverOnly: true,
    live: true,
  },
  {
    path: '/api/live/here',
    method: 'get',
    summary: 'What listens and passes on this host, and how full its range is, as the stream of a card',
    parameters: ['lang', 'whole'],
    answers: { 'application/x-ndjson': TEXT },
    failures: { '401': 'neither the token nor the own user', '429': 'too many streams' },
    serverOnly: true,
    live: true,
  },
  {
    path: '/api/live/chart',
    method: 'get',
    summary: 'Which ports are held here, for the chart of all, as the stream of a card',
    parameters: [],
    answers: { 'application/x-ndjson': TEXT },
    failures: { '401': 'neither the token nor the own user', '429': 'too many streams' },
    serverOnly: true,
    live: true,
  },
  {
    path: '/api/token',
    method: 'post',
    summary: 'The token for the one-time code of the printed address, within 60 seconds and once',
    parameters: [],
    body: { fields: { code: { type: 'string' } }, required: ['code'] },
    answers: {
      'application/json': { $ref: '#/components/schemas/token' },
    },
    failures: { '403': 'wrong, spent or too old', '415': 'no JSON' },
    serverOnly: true,
  },
  {
    path: '/api/useful',
    method: 'post',
    summary: 'Counts an answer to “was this page useful?”; nothing of who gave it is kept',
    parameters: [],
    body: {
      fields: { page: TEXT, lang: TEXT, useful: USEFUL, before: USEFUL },
      required: ['page', 'lang', 'useful'],
    },
    status: 204,
    answers: {},
    failures: {
      '400': 'no such page, language or answer',
      '415': 'neither JSON nor a form',
      '429': 'too many answers',
    },
    serverOnly: true,
  },
];

/** The definitions that the routes need, and nothing of the rest of the schema. */
function neededOf(definitions: Readonly<Record<string, unknown>>, roots: readonly string[]): string[] {
  const needed: string[] = [];
  const queue = [...roots];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (needed.includes(name)) continue;
    needed.push(name);
    for (const [, other = ''] of JSON.stringify(definitions[name] ?? {}).matchAll(/"#\/\$defs\/([^"]+)"/g)) {
      queue.push(other);
    }
  }
  return needed.toSorted();
}

/** What the site's description is made from. */
export interface Described {
  /** The shipped JSON Schema. */
  readonly schema: { readonly $defs: Readonly<Record<string, unknown>> };
  readonly version: string;
  /** Where the site is found; null for files that may lie anywhere. */
  readonly base: string | null;
  /** `static`: a folder of files, which answers nothing by itself. */
  readonly outlet: 'server' | 'static';
}

/** The OpenAPI 3.1 description. */
export function openApi({ schema, version, base, outlet }: Described): Record<string, unknown> {
  const routes = ROUTES.filter((route) => outlet === 'server' || route.serverOnly !== true);
  const definitions = Object.fromEntries(
    neededOf(schema.$defs, ['report']).map((name) => [name, moved(schema.$defs[name])]),
  );
  const token = {
    type: 'object',
    required: ['token'],
    properties: { token: TEXT },
    additionalProperties: false,
  };
  const server = outlet === 'server';
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portolan',
      version,
      summary: 'What every network port is said to carry, and who holds it here',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Files may lie anywhere: their paths begin beside the description.
    servers: [{ url: base ?? '.' }],
    paths: Object.fromEntries(
      [...new Set(routes.map(({ path }) => path))].map((path) => [
        path,
        Object.fromEntries(
          routes.filter((route) => route.path === path).map((route) => [route.method, operation(route)]),
        ),
      ]),
    ),
    components: {
      schemas: server ? { ...definitions, token } : definitions,
      ...(server ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  };
}

function operation(route: Route): Record<string, unknown> {
  const content = Object.fromEntries(
    Object.entries(route.answers).map(([type, kind]) => [type, { schema: kind }]),
  );
  return {
    summary: route.summary,
    ...(route.parameters.length === 0
      ? {}
      : { parameters: route.parameters.map((name) => ({ name, ...PARAMETERS[name] })) }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: { type: 'object', properties: route.body.fields, required: route.body.required },
              },
            },
          },
        }),
    responses: {
      [String(route.status ?? 200)]: {
        description: 'The answer',
        ...(Object.keys(content).length === 0 ? {} : { content }),
      },
      ...Object.fromEntries(
        Object.entries(route.failures).map(([status, description]) => [status, { description }]),
      ),
    },
    // Either the kernel says that it is the server's own user, or the token does.
    ...(route.live === true ? { security: [{}, { token: [] }] } : {}),
  };
}

/** Definitions lie elsewhere in OpenAPI than in a schema of their own. */
function moved(definition: unknown): unknown {
  return JSON.parse(JSON.stringify(definition).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

/** What llms.txt is to point at. */
export interface Told extends Pick<Described, 'base' | 'outlet'> {
  /** Are there reports as JSON? */
  readonly data: boolean;
  /** Does every port have one, or only those that somebody names? */
  readonly everyPort: boolean;
  /** Where the pages begin. */
  readonly pages: string;
}

/** llms.txt (llmstxt.org): where a program finds what pages say, in a form of its own. */
export function llmsText({ base, outlet, data, everyPort, pages }: Told): string {
  // Files that may lie anywhere are pointed at from where this one lies.
  const at = (path: string): string => (base === null ? `.${path}` : `${base}${path}`);
  const any = everyPort ? 'put any port in its place' : 'put any port in its place that somebody names';
  const lines = [
    '# Portolan',
    '',
    '> What every network port (0-65535) is said to carry, by whom, with sources; where sources disagree, both are told.',
    '',
    'A claim says who says what of a port; it does not say what runs there. IANA never assigns 49152-65535.',
    '',
    '## Data',
    '',
    ...(data
      ? [
          `- [Report on one port](${at('/ports/60163.json')}): JSON, format portolan.report/1; ${any}`,
          `- [OpenAPI 3.1](${at('/openapi.json')}): all routes, with the JSON Schema of the answers`,
        ]
      : []),
    `- [Pages](${at(pages)}): HTML, a page a port`,
    ...(base === null
      ? []
      : [`- [Sitemap](${at('/sitemap.xml')}): pages of ports that something particular is known of`]),
  ];
  if (outlet === 'server') {
    lines.push(
      '',
      '## On this host',
      '',
      'Who holds a port here is told to the user that runs the server, and to whoever has its token. A verdict of “unknown” with the gap “any host” means that nobody looked for you; it never means free.',
      `- [The same as text](${at('/ports/60163')}): ask with Accept: text/plain, as curl does`,
    );
  }
  lines.push(
    '',
    '## Licences',
    '',
    '- Facts, IANA’s registry among them: CC0-1.0. Each claim names its source.',
    '- Code: MIT',
  );
  return `${lines.join('\n')}\n`;
}
