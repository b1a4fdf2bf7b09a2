// Answers of Docker and Podman as they were recorded, and everything else that might come in their place.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDockerContainers, parsePodmanContainers, readNerdctlPorts } from './container-engines.ts';

const recorded = (name: string): string =>
  readFileSync(new URL(`../../../../fixtures/engines/${name}.json`, import.meta.url), 'utf8');

const port = (hostPort: number, containerPort: number, over: object = {}): object => ({
  address: null,
  hostPort,
  containerPort,
  count: 1,
  transport: 'tcp',
  ...over,
});

test('Docker: names without their slash, published ports of both families, none for what is only exposed', () => {
  const parsed = parseDockerContainers(recorded('docker-20.10.24'));
  if (!parsed.ok) throw new Error(parsed.problem);
  const { containers } = parsed;
  expect(containers.map(({ name, published }) => [name, published.length])).toEqual([
    ['rng', 6],
    ['plain', 0],
    ['api', 0],
    ['web', 3],
  ]);
  expect(containers[3]).toMatchObject({ runtime: 'docker', infra: false });
  expect(containers[3]?.id).toMatch(/^[0-9a-f]{64}$/);
  const [, , , web] = containers;
  expect(web?.published).toEqual(
    expect.arrayContaining([
      port(8080, 80, { address: '0.0.0.0' }),
      port(8080, 80, { address: '::' }),
      port(5353, 53, { address: '127.0.0.1', transport: 'udp' }),
    ]),
  );
});

test('Podman: runs of ports, pods with their infra container, host network', () => {
  const parsed = parsePodmanContainers(recorded('podman-4.3.1'));
  if (!parsed.ok) throw new Error(parsed.problem);
  expect(parsed.containers.map(({ name, infra, published }) => [name, infra, published])).toEqual([
    ['web', false, []],
    ['host', false, []],
    ['web2', false, [port(8080, 80), port(5353, 53, { address: '127.0.0.1', transport: 'udp' })]],
    ['rng', false, [port(9100, 9100, { count: 3 })]],
    [expect.stringMatching(/^[0-9a-f]{12}-infra$/), true, [port(7000, 70)]],
    ['inpod', false, [port(7000, 70)]],
  ]);
});

test('a container that others know by aliases has its own name', () => {
  const text =
    '[{"Id":"a","Names":["/web/db","/db"]},{"Id":"b"},{"Id":"c","Names":[]},{"Id":"d","Names":["/x/y"]}]';
  expect(parseDockerContainers(text)).toMatchObject({
    ok: true,
    containers: [{ name: 'db' }, { name: null }, { name: null }, { name: null }],
  });
});

test('the place of what is wrong is told', () => {
  const problem = (text: string): unknown => {
    const parsed = parseDockerContainers(text);
    return parsed.ok ? null : parsed.problem;
  };
  expect(problem('<html>')).toBe('the answer is no JSON');
  expect(problem('{"message":"page not found"}')).toBe('the answer is no list');
  expect(problem('[1]')).toBe('container 0 is no object');
  expect(problem('[{"Id":"a"},{"Id":7}]')).toBe('container 1, Id is no string');
  expect(problem('[{"Id":"a","Names":"web"}]')).toBe('container 0, Names is no list');
  const ports = (text: string): string => `[{"Id":"a","Ports":[${text}]}]`;
  expect(problem(ports('{"PublicPort":70000,"PrivatePort":1,"Type":"tcp"}'))).toBe(
    'container 0, Ports 0, PublicPort is no port number',
  );
  expect(problem(ports('{"PublicPort":1,"PrivatePort":1,"Type":"icmp"}'))).toBe(
    'container 0, Ports 0, Type is no transport',
  );
  const podman = parsePodmanContainers(
    '[{"Id":"a","Ports":[{"host_ip":"","container_port":1,"host_port":65000,"range":1000,"protocol":"tcp"}]}]',
  );
  expect(podman).toEqual({ ok: false, problem: 'container 0, Ports 0, its last port is no port number' });
});

test('nerdctl’s label', () => {
  const label = '[{"HostPort":53,"ContainerPort":5353,"Protocol":"udp","HostIP":"::"}]';
  expect(readNerdctlPorts(label, 'label')).toEqual([port(53, 5353, { address: '::', transport: 'udp' })]);
  expect(() => readNerdctlPorts('[{"HostPort":"53"}]', 'label')).toThrow(
    'label 0, HostPort is no port number',
  );
});

test('nothing that may come throws, and what is read keeps its shape', () => {
  const inRange = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 65_535;
  const values = fc.oneof(
    fc.json(),
    fc.string(),
    // Near misses: the right keys with any values.
    fc
      .array(
        fc.record(
          {
            Id: fc.oneof(fc.string(), fc.jsonValue()),
            Names: fc.jsonValue(),
            IsInfra: fc.jsonValue(),
            Ports: fc.array(
              fc.record(
                {
                  PublicPort: fc.oneof(fc.nat(70_000), fc.jsonValue()),
                  PrivatePort: fc.nat(70_000),
                  Type: fc.constantFrom('tcp', 'udp', 'x'),
                  host_port: fc.oneof(fc.nat(70_000), fc.jsonValue()),
                  container_port: fc.nat(70_000),
                  range: fc.nat(70_000),
                  protocol: fc.constantFrom('tcp', 'sctp', ''),
                },
                { requiredKeys: [] },
              ),
            ),
          },
          { requiredKeys: [] },
        ),
      )
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(values, (text) => {
      for (const parsed of [parseDockerContainers(text), parsePodmanContainers(text)]) {
        if (!parsed.ok) {
          expect(parsed.problem).not.toBe('');
          continue;
        }
        for (const { published } of parsed.containers) {
          for (const { hostPort, containerPort, count } of published) {
            expect(
              [hostPort, containerPort, hostPort + count - 1, containerPort + count - 1].every(inRange),
            ).toBe(true);
          }
        }
      }
    }),
  );
});

test('a recorded answer that is cut short is no answer', () => {
  for (const [name, parse] of [
    ['docker-20.10.24', parseDockerContainers],
    ['podman-4.3.1', parsePodmanContainers],
  ] as const) {
    const text = recorded(name).trimEnd();
    fc.assert(
      fc.property(fc.nat(text.length - 1), (length) => {
        expect(parse(text.slice(0, length)).ok).toBe(false);
      }),
    );
  }
});
