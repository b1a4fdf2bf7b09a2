// Files of projects: .env, Procfile, package.json, devcontainer.json, fsports, profiles, and what a file is.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDevcontainer } from './devcontainer.ts';
import { readEnv } from './env.ts';
import { readFsnameservers, readFsports } from './fsports.ts';
import { readPackageJson } from './package-json.ts';
import { readProcfile } from './procfile.ts';
import { readProfile } from './profile.ts';
import { kindByContent, kindByName } from './recognise.ts';
import { type Parsed, TextFile } from './text-file.ts';

function said({ fixed }: Parsed): string[] {
  return fixed.map(
    ({ ports: [first, last], transport, address, service, place, role }) =>
      `${first === last ? first : `${first}-${last}`}/${transport}${address === null ? '' : `@${address}`} ${service} ${place?.line}:${place?.column}-${place?.endColumn}${role === 'names' ? ' named' : ''}`,
  );
}

const file = (text: string, name = 'f'): TextFile => new TextFile(name, text, '/p');

describe('.env', () => {
  test.each([
    ['PORT=3000', '3000/tcp PORT 1:6-10'],
    ['export PORT=3000 # comment', '3000/tcp PORT 1:13-17'],
    ["PORT='3000'", '3000/tcp PORT 1:7-11'],
    ['  PORT = "3000"', '3000/tcp PORT 1:11-15'],
    ['PORT=`3000`', '3000/tcp PORT 1:7-11'],
    ['PORT: 3000', '3000/tcp PORT 1:7-11'],
    ['WEB_PORT=3000', '3000/tcp WEB_PORT 1:10-14 named'],
    ['PORT=${OTHER:-3000}', '3000/tcp PORT 1:15-19'],
    ['A=3000\nPORT=$A', '3000/tcp PORT 2:6-7'],
    ['SYSLOG_UDP_PORT=514', '514/udp SYSLOG_UDP_PORT 1:17-20 named'],
    ['DATABASE_URL=postgres://u:p@localhost:5432/x', '5432/tcp@127.0.0.1 DATABASE_URL 1:39-43 named'],
    ['API="http://[::1]:8080/x?y=:1"', '8080/tcp@::1 API 1:19-23 named'],
    ['HTTP_ADDR=:8080', '8080/tcp HTTP_ADDR 1:12-16 named'],
    ['LISTEN=127.0.0.1:8080', '8080/tcp@127.0.0.1 LISTEN 1:18-22'],
  ])('%s', (line, expected) => {
    expect(said(readEnv(file(line)))).toEqual([expected]);
  });
  test.each([
    '# PORT=3000',
    'PORT=',
    'PORT=$OTHER',
    'PORT=99999',
    'EXPORT=3000',
    'REPORT=3000',
    'TIMEOUT=3000',
    'DATABASE_URL=postgres://db:5432/x',
    'URL=http://example.org:8080',
    'DB_HOST=db.example.org\nDB_PORT=5432',
    'TIME=10:30',
  ])('%j is no port of this host', (text) => {
    expect(said(readEnv(file(text)))).toEqual([]);
  });
  test('several lines in quotes, CRLF, a byte order mark', () => {
    const text = '\uFEFFKEY="line\nPORT=1\n"\r\nPORT=3000\r\nBAD="never closed\r\nX_PORT=4000\r\n';
    const parsed = readEnv(file(text));
    expect(said(parsed)).toEqual(['3000/tcp PORT 4:6-10', '4000/tcp X_PORT 6:8-12 named']);
    expect(parsed.faults).toMatchObject([{ kind: 'broken', line: 5 }]);
  });
  test('every URL of a list', () => {
    expect(said(readEnv(file('B=kafka://localhost:9092,kafka://127.0.0.1:9093')))).toHaveLength(2);
  });
});

describe('command lines, in Procfiles and scripts', () => {
  test.each([
    ['next dev -p 3000', [3000]],
    ['next dev -p3000', [3000]],
    ['PORT=3000 node server.js', [3000]],
    ['cross-env PORT=3000 NODE_ENV=x node a', [3000]],
    ['npx serve -l 5000 dist', [5000]],
    ['vite --port 5173 --host 0.0.0.0', [5173]],
    ['concurrently "x" && vite --port=5174; python3 -m http.server 8000', [5174, 8000]],
    ['php -S localhost:8000', [8000]],
    ['gunicorn -b :8000 app', [8000]],
    ['gunicorn --bind 0.0.0.0:8000 app', [8000]],
    ['python manage.py runserver 0.0.0.0:8000', [8000]],
    ['node --inspect=127.0.0.1:9229 a.js', []],
    ['docker run -p 8080:80 --publish 127.0.0.1:53:53/udp x', [8080, 53]],
    ['kubectl port-forward svc/x 8080:80', [8080]],
    ['ssh -L 8080:db:5432 -p 2222 host', [8080]],
    ['mkdir -p 8080', []],
    ['sleep 3000', []],
    ['echo 10:30', []],
    ['java -Dserver.port=8081 -jar a.jar', [8081]],
    ['redis-server --port 6380', [6380]],
  ])('%s', (line, expected) => {
    const found = readProcfile(file(`web: ${line}`)).fixed.filter(({ role }) => role === 'binds');
    expect(found.map(({ ports: [port] }) => port)).toEqual(expected);
    for (const { place, ports } of found) {
      expect(`web: ${line}`.slice((place?.column ?? 0) - 1, (place?.endColumn ?? 0) - 1)).toBe(
        String(ports[0]),
      );
    }
  });
  test.each([
    'kill-port 3000',
    'wait-on http://localhost:3000',
    'app --db-port 5432',
    'app --upstream http://127.0.0.1:9000',
  ])('%s takes none', (line) => {
    const { fixed } = readProcfile(file(`web: ${line}`));
    expect(fixed.filter(({ role }) => role === 'binds')).toEqual([]);
  });
  test('whatever stands there, nothing fails and places are in the line', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80, unit: 'binary' }), (text) => {
        const line = `web: -p 3000 ${text.replaceAll('\n', ' ')}`;
        for (const { place } of readProcfile(file(line)).fixed)
          expect(place?.endColumn).toBeLessThanOrEqual(line.length + 1);
      }),
    );
  });
});

test('Procfile', () => {
  expect(
    said(
      readProcfile(file('# x\nweb: node a --port 3000\r\nworker: run\n: -p 1\napi_2: uvicorn --port=8000\n')),
    ),
  ).toEqual(['3000/tcp web 2:20-24', '8000/tcp api_2 5:23-27']);
});

test('package.json, with escapes in a script', () => {
  const text =
    '{\n  "name": "x",\n  "config": {"port": 1},\n  "scripts": {\n    "dev": "sh -c \\"x\\" && next dev -p 3000",\n    "n": 5\n  }\n}';
  expect(said(readPackageJson(file(text)))).toEqual(['3000/tcp dev 5:40-44']);
  expect(readPackageJson(file('{"scripts": {"a": "vite --port 3000",')).faults[0]).toMatchObject({
    kind: 'broken',
    line: 1,
  });
  expect(said(readPackageJson(file('{"scripts": {"a": "vite --port 3000",')))).toEqual([
    '3000/tcp a 1:32-36',
  ]);
});

test('devcontainer.json, with comments and trailing commas', () => {
  const text = `{
  // comment
  "name": "x",
  "forwardPorts": [3000, "db:5432", "bad",],
  "appPort": ["8000:80", 8001, "127.0.0.1:8002:80"],
  "portsAttributes": { "3000": { "label": "web" }, "4000-4010": {}, "/x/": {} },
  "runArgs": ["-p", "9000:90", "--publish=9001:91"],
}`;
  const parsed = readDevcontainer(file(text));
  expect(said(parsed)).toEqual([
    '3000/tcp@127.0.0.1 forwardPorts 4:20-24',
    '5432/tcp@127.0.0.1 forwardPorts 4:30-34',
    '8000/tcp appPort 5:16-20',
    '8001/tcp appPort 5:26-30',
    '8002/tcp@127.0.0.1 appPort 5:43-47',
    '3000/tcp web 6:25-29 named',
    '4000-4010/tcp portsAttributes 6:53-62 named',
    '9000/tcp runArgs 7:22-26',
    '9001/tcp runArgs 7:43-47',
  ]);
  expect(parsed.faults).toEqual([{ kind: 'broken', line: 4, detail: '“bad” is no port' }]);
  expect(said(readDevcontainer(file('{"appPort": "3000:3000"}')))).toEqual(['3000/tcp appPort 1:14-18']);
});

describe('fsports', () => {
  test('as the manual has it', () => {
    const parsed = readFsports(file('# c\nMinPort 52000\n  MaxPort\t52100  \nAltPmap 5164\n'));
    expect(parsed).toMatchObject({
      min: { value: 52_000, place: { line: 2, column: 9, endColumn: 14 } },
      max: { value: 52_100, place: { line: 3, column: 11 } },
      altPmap: { value: 5164 },
      faults: [],
    });
  });
  test.each([
    ['MinPort 2000\nMaxPort 1000', ['backwards']],
    ['MinPort 2000', ['missing']],
    ['', ['missing', 'missing']],
    ['MinPort 1\nMaxPort 2\nMinPort 3', ['twice']],
    ['MinPort x\nMaxPort 70000', ['not-a-port', 'not-a-port']],
    ['MinPort 1\nMaxPort 2\n  # not in column one', ['unknown-word']],
  ])('%j: %j', (text, kinds) => {
    expect(readFsports(file(text)).faults.map(({ kind }) => kind)).toEqual(kinds);
  });
  test('fsnameservers', () => {
    expect(readFsnameservers(file('# x\n10.0.0.1 # y\n\nmdc2.example\n'))).toEqual([
      '10.0.0.1',
      'mdc2.example',
    ]);
  });
});

describe('a profile of one’s own', () => {
  const good =
    '{ "format": "portolan.profile/1", "name": "mine", "title": "Mine", "ports": [\n { "ports": [7000, 7001], "transports": ["tcp", "udp"], "service": "app", "source": "our wiki" } ] }';
  test('is read with its places', () => {
    expect(said(readProfile(file(good)).parsed)).toEqual([
      '7000-7001/tcp Mine: app 2:14-18',
      '7000-7001/udp Mine: app 2:14-18',
    ]);
  });
  test.each([
    [good.replace('/1"', '/9"'), /f:1 .*"format"/],
    [good.replace('7001', '6000'), /f:2 .*backwards/],
    [good.replace('7001', '70010'), /f:2 .*two port numbers/],
    [good.replace('"udp"', '"icmp"'), /f:2 .*tcp, udp, sctp or dccp/],
    [good.replace('"source": "our wiki"', '"source": ""'), /f:2 .*"source"/],
    [good.replace('"service"', '"servce"'), /f:2 .*“servce” is no key/],
    [good.replace('"title"', '"titel"'), /f:1 .*“titel” is no key/],
    ['{ "format": "portolan.profile/1", "name": "x", "title": "y", "ports": [] }', /filled list/],
    ['{ "format": ', /f:1 cannot be used/],
    ['[]', /no object/],
  ])('%#: what is wrong is told with its line', (text, message) => {
    expect(() => readProfile(file(text))).toThrow(message);
  });
});

test.each([
  ['compose.yaml', 'compose'],
  ['docker-compose.prod.yml', 'compose'],
  ['Procfile.dev', 'procfile'],
  ['.env.local', 'env'],
  ['prod.env', 'env'],
  ['x/.devcontainer/devcontainer.json', 'devcontainer'],
  ['web@.socket', 'systemd'],
  ['fsports', 'fsports'],
  ['deploy.yaml', null],
  ['notes.txt', null],
])('%s is called %s', (name, kind) => {
  expect(kindByName(name)).toBe(kind);
});

test.each([
  ['apiVersion: v1\nkind: Pod\n', 'kubernetes'],
  ['{"apiVersion": "v1", "kind": "Pod"}', 'kubernetes'],
  ['services:\n  a:\n', 'compose'],
  ['[Unit]\nx=1\n', 'systemd'],
  ['{"format": "portolan.profile/1"}', 'profile'],
  ['{"scripts": {"a": "b"}}', 'package-json'],
  ['{"forwardPorts": []}', 'devcontainer'],
  ['MinPort 1\nMaxPort 2\n', 'fsports'],
  ['A=b\n', 'env'],
  ['web: node x\n', 'procfile'],
  ['hello\n', null],
])('%j holds %s', (text, kind) => {
  expect(kindByContent(text)).toBe(kind);
});
