// Compose files: every way to write a port, where each number stands, and files that are broken or hostile.
import { describe, expect, test } from 'vitest';
import { type ComposeOptions, readCompose } from './compose.ts';
import { settingsOf } from './env.ts';
import { TextFile } from './text-file.ts';

function read(text: string, options: Partial<ComposeOptions> & { env?: string } = {}) {
  const file = new TextFile('compose.yaml', text, '/p');
  const settings = settingsOf(new TextFile('.env', options.env ?? '', '/p'));
  return readCompose(file, { settings, other: () => null, ...options });
}

/** `8000-8001/udp@127.0.0.1 web 4:9-13`, one a port. */
function said(text: string, options: Parameters<typeof read>[1] = {}): string[] {
  return read(text, options).fixed.map(({ ports, transport, address, service, place }) => {
    const numbers = ports[0] === ports[1] ? `${ports[0]}` : `${ports[0]}-${ports[1]}`;
    return `${numbers}/${transport}${address === null ? '' : `@${address}`} ${service} ${place?.line}:${place?.column}-${place?.endColumn}`;
  });
}

function web(...lines: string[]): string {
  return [
    'services:',
    '  web:',
    '    build: .',
    '    ports:',
    ...lines.map((line) => `      ${line}`),
    '',
  ].join('\n');
}

describe('the short form', () => {
  test.each([
    ['- "8000:8000"', '8000/tcp web 5:10-14'],
    ["- '8000:80'", '8000/tcp web 5:10-14'],
    ['- 8000:80', '8000/tcp web 5:9-13'],
    ['- "127.0.0.1:8001:8001"', '8001/tcp@127.0.0.1 web 5:20-24'],
    ['- "0.0.0.0:8001:8001"', '8001/tcp web 5:18-22'],
    ['- "[::1]:6001:6001/udp"', '6001/udp@::1 web 5:16-20'],
    ['- "::1:6001:6001"', '6001/tcp@::1 web 5:14-18'],
    ['- "9090-9091:8080-8081"', '9090-9091/tcp web 5:10-19'],
    ['- "8000-9000:80"', '8000-9000/tcp web 5:10-19'],
    ['- "6060:6060/UDP"', '6060/udp web 5:10-14'],
    ['- "7000:7000/sctp"  # comment', '7000/sctp web 5:10-14'],
    ['- "\\x38000:80"', '8000/tcp web 5:13-17'],
    ['- "\t8000:80"', '8000/tcp web 5:11-15'],
  ])('%s', (line, expected) => {
    expect(said(web(line))).toEqual([expected]);
  });
  test.each(['- "3000"', '- 3000', '- "3000-3005"', '- "3000/udp"', '- "127.0.0.1::3000"', '- ":3000"'])(
    '%s leaves the number of this host to the engine',
    (line) => {
      const { fixed, faults } = read(web(line));
      expect({ fixed, faults }).toEqual({ fixed: [], faults: [] });
    },
  );
  test.each([
    '- "70000:80"',
    '- "80:0"',
    '- "a:b"',
    '- "9091-9090:1-2"',
    '- "8000-8001:80-82"',
    '- "8000:80/icmp"',
  ])('%s is no port, and that is told with its line', (line) => {
    const { fixed, faults } = read(web('- "1:1"', line, '- "2:2"'));
    expect(fixed.map((port) => port.ports[0])).toEqual([1, 2]);
    expect(faults).toMatchObject([{ kind: 'broken', line: 6 }]);
  });
  test('digits of base 60 are read as Compose reads them, and what YAML 1.1 makes of them is told', () => {
    const { fixed } = read(web('- 22:22', '- "22:22"', '- 8080:80', '- 3306:59'));
    expect(fixed.map((port) => [port.ports[0], port.sexagesimal])).toEqual([
      [22, 1342],
      [22, null],
      [8080, null],
      [3306, 198_419],
    ]);
  });
});

test('the long form, with numbers, texts and ranges', () => {
  const text = web(
    '- target: 80',
    '  published: 8080',
    '- target: 80',
    '  published: "8081"',
    '  protocol: udp',
    '  host_ip: 127.0.0.1',
    '  mode: host',
    '- target: 90',
    "  published: '8090-8092'",
    '- target: 99',
    '- { target: 70, published: 7070, name: x }',
  );
  expect(said(text)).toEqual([
    '8080/tcp web 6:20-24',
    '8081/udp@127.0.0.1 web 8:21-25',
    '8090-8092/tcp web 13:21-30',
    '7070/tcp web 15:34-38',
  ]);
});

test('a port outside a list is told', () => {
  expect(read('services: {a: {ports: "1:1"}}').faults).toMatchObject([{ kind: 'broken', line: 1 }]);
});

describe('variables', () => {
  test.each([
    ['- "${PORT:-3000}:80"', '3000/tcp web 5:18-22', ''],
    ['- "${PORT-3000}:80"', '3000/tcp web 5:17-21', ''],
    ['- "${PORT:-${OTHER:-3100}}:80"', '3100/tcp web 5:27-31', ''],
    ['- "${PORT:-3000}:80"', '4000/tcp web 5:10-11', 'PORT=4000'],
    ['- "$PORT:80"', '4000/tcp web 5:10-11', 'PORT=4000'],
    ['- "${PORT?err}:80"', '4000/tcp web 5:10-11', 'PORT=4000'],
    ['- "${PORT:-3000}:80"', '3000/tcp web 5:18-22', 'PORT='],
    ['- "127.0.0.1:${PORT:-3000}:80"', '3000/tcp@127.0.0.1 web 5:28-32', ''],
    ['- "${ADDR:-127.0.0.1}:3000:80"', '3000/tcp@127.0.0.1 web 5:29-33', ''],
    ['- "30${PORT:-00}:80"', '3000/tcp web 5:10-22', ''],
  ])('%s', (line, expected, env) => {
    expect(said(web(line), { env })).toEqual([expected]);
  });
  test('the variable is named, with the place where it is set', () => {
    const [a, b] = read(web('- "${A:-3000}:80"', '- "${B}:80"'), { env: '# x\nB="4000"' }).fixed;
    expect(a?.variable).toEqual({ name: 'A', place: null });
    expect(b?.variable).toEqual({ name: 'B', place: { file: '.env', line: 2, column: 4, endColumn: 8 } });
  });
  test.each(['- "${PORT?must be set}:80"', '- "${PORT}:80"', '- "$PORT:80"'])(
    '%s without a value is told',
    (line) => {
      const { fixed, faults } = read(web(line));
      expect(fixed).toEqual([]);
      expect(faults).toEqual([{ kind: 'unresolved', line: 5, detail: 'PORT' }]);
    },
  );
  test('dollars that are no variables stay', () => {
    expect(read(web('- "$$8000:80"')).faults).toMatchObject([{ kind: 'broken' }]);
  });
});

test('anchors, aliases and merge keys, with the place of what they stand for', () => {
  const text = [
    'x-base: &base',
    '  build: .',
    '  ports: &ports',
    '    - "8000:80"',
    'x-more: &more { ports: ["8100:80"], network_mode: bridge }',
    'services:',
    '  a:',
    '    <<: *base',
    '  b:',
    '    <<: [*more, *base]',
    '  c:',
    '    ports: *ports',
    '  d:',
    '    <<: *base',
    '    ports: ["8200:80"]',
    '',
  ].join('\n');
  expect(said(text)).toEqual([
    '8000/tcp a 4:8-12',
    '8100/tcp b 5:26-30',
    '8000/tcp c 4:8-12',
    '8200/tcp d 15:14-18',
  ]);
});

test('several documents, CRLF and a byte order mark', () => {
  const text = `\uFEFF${web('- "8000:80"')}---\n${web('- 9000:90')}`.replaceAll('\n', '\r\n');
  expect(said(text)).toEqual(['8000/tcp web 5:10-14', '9000/tcp web 11:9-13']);
  expect(said('\uFEFF{services: {w: {ports: ["8000:80"]}}}')).toEqual(['8000/tcp w 1:26-30']);
});

test('the host’s own network: what is exposed, told to the command, or set as PORT', () => {
  const text = [
    'services:',
    '  web:',
    '    image: x',
    '    network_mode: host',
    '    user: "1000"',
    '    expose: ["3000", 3001/udp, "${E:-3002}"]',
    '    command: ["serve", "--port", "3003"]',
    '    environment:',
    '      PORT: 3004',
    '      DB_PORT: 5432',
    '  list:',
    '    network_mode: host',
    '    command: server --listen 0.0.0.0:3005',
    '    environment: [PORT=3006]',
    '  not:',
    '    expose: ["4000"]',
    '    environment: [PORT=4001]',
  ].join('\n');
  expect(said(text)).toEqual([
    '3000/tcp web 6:15-19',
    '3001/udp web 6:22-26',
    '3002/tcp web 6:38-42',
    '3003/tcp web 7:35-39',
    '3004/tcp web 9:13-17',
    '5432/tcp web 10:16-20',
    '3005/tcp list 13:38-42',
    '3006/tcp list 14:24-28',
  ]);
  const { fixed } = read(text);
  expect(fixed.find(({ ports: [port] }) => port === 5432)?.role).toBe('names');
  expect(fixed[0]?.mayBindLow).toBe(false);
});

describe('extends', () => {
  const other = new TextFile('base.yaml', 'services:\n  base:\n    build: .\n    ports: ["8000:80"]\n', '/p');
  test('of another file brings its ports, at their place there', () => {
    const text =
      'services:\n  web:\n    extends:\n      file: base.yaml\n      service: base\n    ports: ["8100:80"]\n';
    const { fixed, faults } = read(text, { other: (path) => (path === 'base.yaml' ? other : null) });
    expect(fixed.map(({ ports: [port], place }) => [port, place?.file, place?.line])).toEqual([
      [8100, 'compose.yaml', 6],
      [8000, 'base.yaml', 4],
    ]);
    expect(faults).toEqual([]);
  });
  test('in a circle ends, and is told', () => {
    const text =
      'services:\n  a:\n    extends: b\n    ports: ["1:1"]\n  b:\n    extends: {service: a}\n    ports: ["2:2"]\n';
    const { fixed, faults } = read(text);
    expect(new Set(fixed.map(({ ports: [port] }) => port))).toEqual(new Set([1, 2]));
    expect(faults).toEqual([
      { kind: 'cycle', line: 6, detail: 'a' },
      { kind: 'cycle', line: 3, detail: 'b' },
    ]);
  });
  test('through files that name each other ends', () => {
    const a = new TextFile('a.yaml', 'services:\n  s:\n    extends: {file: b.yaml, service: s}\n', '/p');
    const b = new TextFile(
      'b.yaml',
      'services:\n  s:\n    extends: {file: a.yaml, service: s}\n    ports: ["7:7"]\n',
      '/p',
    );
    const { fixed, faults } = readCompose(a, {
      settings: new Map(),
      other: (path) => (path === 'a.yaml' ? a : b),
    });
    expect(fixed.map(({ ports: [port] }) => port)).toEqual([7]);
    expect(faults).toMatchObject([{ kind: 'cycle' }]);
  });
  test('of what is not there is told', () => {
    const { faults } = read(
      'services:\n  a:\n    extends: {file: gone.yaml, service: x}\n  b:\n    extends: nobody\n',
    );
    expect(faults).toMatchObject([
      { kind: 'broken', line: 3 },
      { kind: 'broken', line: 5 },
    ]);
  });
});

test('include names other files, in both forms', () => {
  const text = [
    'include:',
    '  - a.yaml',
    '  - path: [b.yaml, "${C:-c.yaml}"]',
    '  - path: sub/d.yaml',
    '    project_directory: ..',
    '    env_file: [one.env, two.env]',
    'services: {}',
    '',
  ].join('\n');
  expect(read(text).includes).toEqual([
    { paths: ['a.yaml'], envFiles: null, folder: null, line: 2 },
    { paths: ['b.yaml', 'c.yaml'], envFiles: null, folder: null, line: 3 },
    { paths: ['sub/d.yaml'], envFiles: ['one.env', 'two.env'], folder: '..', line: 4 },
  ]);
});

describe('what is merged over another', () => {
  const other = (text: string) => (): TextFile => new TextFile('base.yaml', text, '/p');
  const base = 'services: {b: {image: x, network_mode: host, expose: ["7000"], ports: ["9000:80"]}}';
  test.each([
    ['joined', 'ports: ["8000:80"]', ['8000', '9000']],
    ['!override', 'ports: !override ["8000:80"]', ['8000']],
    ['!override of long forms', 'ports: !override [{published: 8000, target: 80}]', ['8000']],
    ['!reset', 'ports: !reset []', []],
    ['!reset null', 'ports: !reset null', []],
    ['!reset of a value that stands there', 'ports: !reset ["8000:80"]', []],
    ['nothing', 'image: y', ['9000']],
  ])('%s, by extends', (_what, body, ports) => {
    const text = `services: {a: {extends: {file: base.yaml, service: b}, network_mode: bridge, ${body}}}`;
    const { fixed, faults } = read(text, { other: other(base) });
    expect(fixed.map((one) => String(one.ports[0]))).toEqual(ports);
    expect(faults).toEqual([]);
  });

  test('of a chain the nearest tag counts', () => {
    const text =
      'services:\n  a: {extends: b, ports: ["1:1"]}\n  b: {extends: c, ports: !override ["2:2"]}\n  c: {ports: ["3:3"]}\n';
    expect(said(text).map((line) => line.split('/')[0])).toEqual(['1', '2', '2', '3']);
  });

  test.each([
    ['ports: !override ["8000:80"]', []],
    ['ports: !reset []', []],
    ['ports: ["8000:80"]', ['9000']],
    ['network_mode: host', ['80']],
    ['image: y', ['9000']],
  ])('by a file of its own: %s', (body, ports) => {
    const overrides = [new TextFile('compose.override.yaml', `services: {b: {${body}}}`, '/p')];
    const text = 'services: {b: {image: x, ports: ["9000:80"]}}';
    expect(read(text, { overrides }).fixed.map((one) => String(one.ports[0]))).toEqual(ports);
  });

  test('a service that is taken away or replaced whole', () => {
    for (const body of ['!reset null', '!override {image: y}']) {
      const overrides = [new TextFile('o.yaml', `services: {b: ${body}}`, '/p')];
      expect(read('services: {b: {ports: ["1:1"]}, c: {ports: ["2:2"]}}', { overrides }).fixed).toHaveLength(
        1,
      );
    }
  });

  test('the command of the nearest service counts', () => {
    const text =
      'services:\n  a: {extends: b, network_mode: host, command: "x --port 8001"}\n  b: {network_mode: host, command: "x --port 8002"}\n';
    expect(said(text).map((line) => line.split(' ')[0])).toEqual(['8001/tcp', '8002/tcp']);
    expect(said(text).map((line) => line.split(' ')[1])).toEqual(['a', 'b']);
  });

  test('a chain that never ends is told', () => {
    const many = Array.from({ length: 40 }, (_, i) => `  s${i}: {extends: s${i + 1}}\n`).join('');
    const { faults } = read(`services:\n${many}  s40: {ports: ["1:1"]}\n`);
    expect(faults.map(({ detail }) => detail)).toContain('more than 32 services extend each other');
  });
});

test('the first format, without a table of services', () => {
  expect(said('web:\n  image: x\n  ports:\n    - "8000:80"\n')).toEqual(['8000/tcp web 4:8-12']);
});

test('a number that is the image’s own was not chosen here', () => {
  const { fixed } = read(
    'services:\n  a: {image: redis, ports: ["6379:6379"]}\n  b: {image: x, ports: ["6379:3000"]}\n  c: {build: ., ports: ["5:5"]}\n',
  );
  expect(fixed.map(({ chosen }) => chosen)).toEqual([false, true, true]);
});

describe('hostile files', () => {
  test('aliases that multiply are told and nothing is lost', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) =>
        `l${level}: &l${level} [${Array(10)
          .fill(level === 0 ? 'x' : `*l${level - 1}`)
          .join(', ')}]`,
    );
    const { fixed, faults } = read([...levels, web('- "8000:80"', '- *l11')].join('\n'));
    expect(fixed.map(({ ports: [port] }) => port)).toEqual([8000]);
    expect(faults.map(({ kind }) => kind)).toContain('bomb');
  });
  test('merge keys that multiply', () => {
    const levels = Array.from({ length: 24 }, (_, level) =>
      level === 0
        ? 'm0: &m0 {a: 1}'
        : `m${level}: &m${level} {<<: [*m${level - 1}, *m${level - 1}], k${level}: 1}`,
    );
    const { fixed, faults } = read([...levels, 'services: {w: {<<: *m23, ports: ["8000:80"]}}'].join('\n'));
    expect(fixed).toHaveLength(1);
    expect(faults.map(({ kind }) => kind)).toEqual(['bomb']);
  });
  test('an alias within what it stands for', () => {
    const { fixed, faults } = read('a: &a [*a]\nservices: {w: {ports: ["8000:80"]}}\n');
    expect(fixed).toHaveLength(1);
    expect(faults).toMatchObject([{ kind: 'broken', line: 1 }]);
  });
  test('an alias without an anchor', () => {
    expect(read('services: {w: {ports: *gone}}').faults[0]).toMatchObject({ kind: 'broken', line: 1 });
  });
  test('nesting without end', () => {
    for (const text of ['['.repeat(200_000), `services: ${'{a: '.repeat(3000)}`, '- '.repeat(20_000)]) {
      const { fixed, faults } = read(text);
      expect(fixed).toEqual([]);
      expect(faults.length).toBeGreaterThan(0);
    }
  });
  test('a broken document is told with its line; the rest and the other documents go on', () => {
    const text = `${web('- "8000:80"')}  bad: [1\n---\n${web('- "9000:80"')}`;
    const { fixed, faults } = read(text);
    expect(fixed.map(({ ports: [port] }) => port)).toEqual([8000, 9000]);
    expect(faults[0]).toMatchObject({ kind: 'broken', line: 6 + 1 });
  });
  test.each([
    '',
    '\n',
    '# only a comment',
    '42',
    'null',
    '[]',
    '"text"',
    'services:',
    'services: [1, 2]',
    'services: {a: 1, b: null}',
    'services: {a: {ports: 5}}',
    '\0\u0001',
  ])('%j is no failure', (text) => {
    expect(read(text).fixed).toEqual([]);
  });
});
