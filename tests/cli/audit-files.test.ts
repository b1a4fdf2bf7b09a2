// `portolan audit` on files that lead to other files: merged compose files, devcontainers, links of a copied system; and on
// files that are made to keep it busy.
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Audit, AuditFolders } from './audit-run.ts';

const folders = new AuditFolders();
afterAll(() => folders.remove());
const { folder, json } = folders;

/** `FILE:PORT` of each finding about this host's range, in order. */
function handedOut({ findings }: Audit): string[] {
  return findings
    .filter(({ id }) => id === 'ephemeral-overlap')
    .map(({ where, port }) => `${where.file}:${port}`)
    .toSorted();
}

const compose = (body: string): string => `services: {web: {build: ., ${body}}}\n`;

describe('compose files that are merged', () => {
  const files = {
    'compose.yaml': compose('ports: ["50001:80", "50002:81"]'),
    'compose.override.yaml': compose('ports: !override ["50003:80"]'),
  };

  test('an override file takes away what it says', () => {
    expect(handedOut(json(folder(files)))).toEqual(['compose.override.yaml:50003']);
    const reset = { ...files, 'compose.override.yaml': compose('ports: !reset []') };
    expect(handedOut(json(folder(reset)))).toEqual([]);
  });

  test('named alone, each file stands for itself', () => {
    const cwd = folder(files);
    expect(handedOut(json(cwd, 'compose.yaml'))).toEqual(['compose.yaml:50001', 'compose.yaml:50002']);
    expect(handedOut(json(cwd, 'compose.override.yaml', 'compose.yaml'))).toEqual([
      'compose.override.yaml:50003',
    ]);
  });

  test('include in its long form: files merged, variables from where it says, the including project first', () => {
    const cwd = folder({
      'compose.yaml': 'include: [{path: [sub/a.yaml, sub/b.yaml], env_file: sub/x.env}]\nservices: {}\n',
      '.env': 'ONE=50011\n',
      'sub/x.env': 'ONE=50012\nTWO=50013\n',
      'sub/.env': 'TWO=50014\n',
      'sub/a.yaml': compose('ports: ["50010:1"]'),
      'sub/b.yaml': compose('ports: !override ["${ONE}:1", "${TWO}:2"]'),
    });
    expect(handedOut(json(cwd, 'compose.yaml'))).toEqual(['sub/b.yaml:50011', 'sub/b.yaml:50013']);
  });
});

describe('devcontainers', () => {
  test('dockerComposeFile is followed, each file merged over those before it', () => {
    const cwd = folder({
      '.devcontainer/devcontainer.json':
        '{"dockerComposeFile": ["../stack.yaml", "dev.yaml"], "service": "web", "forwardPorts": [50020]}',
      'stack.yaml': compose('ports: ["50021:80"]'),
      '.devcontainer/dev.yaml': compose('ports: !override ["50022:80"]'),
    });
    const found = json(cwd);
    expect(handedOut(found)).toEqual([
      '.devcontainer/dev.yaml:50022',
      '.devcontainer/devcontainer.json:50020',
    ]);
    expect(found.looked.files).toContain('stack.yaml');
  });

  test('one file alone, and one that is not there', () => {
    const one = folder({
      '.devcontainer.json': '{"dockerComposeFile": "stack.yaml"}',
      'stack.yaml': compose('ports: ["50023:80"]'),
    });
    expect(handedOut(json(one))).toEqual(['stack.yaml:50023']);
    const gone = json(folder({ '.devcontainer.json': '{\n"dockerComposeFile": "gone.yaml"}' }));
    expect(gone.gaps.map(({ what, why }) => `${what}: ${why}`).join()).toMatch(
      /\.devcontainer\.json:2.*gone\.yaml cannot be read/,
    );
  });
});

test('drop-ins of units: links stay below --config-root, and a masked one is none', () => {
  const outside = folder({ 'x.conf': '[Service]\nEnvironment=PORT=50031\n' });
  const root = folder({
    'usr/lib/systemd/system/a.service': '[Service]\nExecStart=/x --port 50030\n',
    'usr/lib/systemd/system/a.service.d/m.conf': '[Service]\nEnvironment=PORT=50032\n',
    'srv/y.conf': '[Service]\nEnvironment=PORT=50033\n',
  });
  const beside = join(root, 'etc/systemd/system/a.service.d');
  mkdirSync(beside, { recursive: true });
  symlinkSync(join(outside, 'x.conf'), join(beside, 'x.conf'));
  symlinkSync('/dev/null', join(beside, 'm.conf'));
  symlinkSync('/srv/y.conf', join(beside, 'y.conf'));
  const found = json(folder({}), '--config-root', root);
  expect(handedOut(found).map((place) => place.slice(place.lastIndexOf('/') + 1))).toEqual([
    'y.conf:50033',
    'a.service:50030',
  ]);
  expect(found.gaps.filter(({ what }) => what.includes('m.conf'))).toEqual([]);
});

describe('files that are made to keep it busy', () => {
  test('aliases that multiply, and faults without end, are told and bounded', () => {
    const ports = Array.from({ length: 2000 }, (_, i) => `'${1024 + i}:80'`).join();
    const services = Array.from({ length: 2000 }, (_, i) => `  s${i}: *s\n`).join('');
    const wrong = Array.from({ length: 30_000 }, (_, i) => `      - x${i}\n`).join('');
    const cwd = folder({
      'bomb.yaml': `x: &s {image: a, ports: [${ports}]}\nservices:\n${services}`,
      'wrong.yaml': `services:\n  a:\n    ports:\n${wrong}`,
    });
    const bomb = json(cwd, 'bomb.yaml');
    expect(bomb.gaps.some(({ why }) => why.includes('multiply to'))).toBe(true);
    const gaps = json(cwd, 'wrong.yaml').gaps.filter(({ what }) => what.includes('wrong.yaml'));
    expect(gaps).toHaveLength(101);
    expect(gaps.at(-1)?.why).toMatch(/more places could not be read/);
  });
});
