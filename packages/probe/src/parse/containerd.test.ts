// containerd's messages as they were recorded, built by hand, cut short and bent.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseContainerdContainers, parseNamespaces } from './containerd.ts';

const RECORDED = JSON.parse(
  readFileSync(new URL('../../../../fixtures/engines/containerd-1.6.20.json', import.meta.url), 'utf8'),
) as { namespaces: string; containers: Record<'default' | 'k8s.io', string> };

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');

/** A length-delimited field. */
function block(field: number, body: Uint8Array | string): Buffer {
  const content = Buffer.from(body);
  const size: number[] = [];
  for (let rest = content.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      size.push(rest);
      break;
    }
    size.push((rest & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.from([field * 8 + 2, ...size]), content]);
}

const label = (key: string, value: string): Buffer =>
  block(2, Buffer.concat([block(1, key), block(2, value)]));
const container = (...fields: Buffer[]): Buffer => block(1, Buffer.concat(fields));

test('the recorded namespaces and containers', () => {
  expect(parseNamespaces(bytes(RECORDED.namespaces))).toEqual({ ok: true, names: ['default', 'k8s.io'] });
  expect(parseContainerdContainers(bytes(RECORDED.containers.default))).toEqual({
    ok: true,
    containers: [
      {
        id: '1'.repeat(64),
        name: 'web',
        runtime: 'containerd',
        infra: false,
        published: [{ address: '0.0.0.0', hostPort: 8080, containerPort: 80, count: 1, transport: 'tcp' }],
      },
      { id: 'plain', name: null, runtime: 'containerd', infra: false, published: [] },
    ],
  });
  expect(parseContainerdContainers(bytes(RECORDED.containers['k8s.io']))).toMatchObject({
    ok: true,
    containers: [{ id: '2'.repeat(64), name: 'kube-system/coredns-1/dns' }],
  });
});

test('nothing at all is an empty list', () => {
  expect(parseNamespaces(Buffer.alloc(0))).toEqual({ ok: true, names: [] });
  expect(parseContainerdContainers(Buffer.alloc(0))).toEqual({ ok: true, containers: [] });
});

test('fields of every wire type are stepped over, and labels may come before the id', () => {
  const message = container(
    label('nerdctl/name', 'db'),
    Buffer.from([9 * 8 + 0, 0xff, 0x01]),
    Buffer.concat([Buffer.from([12 * 8 + 5]), Buffer.alloc(4, 7)]),
    Buffer.concat([Buffer.from([13 * 8 + 1]), Buffer.alloc(8, 7)]),
    block(1, 'abc'),
  );
  expect(parseContainerdContainers(message)).toMatchObject({
    ok: true,
    containers: [{ id: 'abc', name: 'db' }],
  });
});

test('a pod’s own container bears the pod’s name', () => {
  const message = container(
    block(1, 'abc'),
    label('io.kubernetes.pod.namespace', 'default'),
    label('io.kubernetes.pod.name', 'web-0'),
  );
  expect(parseContainerdContainers(message)).toMatchObject({ containers: [{ name: 'default/web-0' }] });
});

test('the offset of what is wrong is told', () => {
  expect(parseNamespaces(Buffer.from([0x0a]))).toEqual({
    ok: false,
    problem: 'what stands at offset 1 is no number',
  });
  expect(parseNamespaces(Buffer.from([0x0a, 0x05, 0x00]))).toEqual({
    ok: false,
    problem: 'length 5 at offset 2 is no length within the message',
  });
  expect(parseNamespaces(Buffer.from([0x0b]))).toMatchObject({ ok: false });
  expect(parseNamespaces(Buffer.from([0x02, 0x00]))).toMatchObject({ ok: false });
  expect(parseNamespaces(Buffer.alloc(11, 0xff))).toMatchObject({ ok: false });
  const bad = container(block(1, 'abc'), label('nerdctl/ports', '{'));
  expect(parseContainerdContainers(bad)).toEqual({
    ok: false,
    problem: 'container 0, nerdctl/ports is no JSON',
  });
});

test('no bytes throw, whole or cut or changed', () => {
  const real = bytes(RECORDED.containers.default);
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array)),
    fc.nat(real.length).map((length) => real.subarray(0, length)),
    fc.tuple(fc.nat(real.length - 1), fc.nat(255)).map(([at, value]) => {
      const copy = Buffer.from(real);
      copy[at] = value;
      return copy;
    }),
  );
  fc.assert(
    fc.property(any, (buffer) => {
      for (const parsed of [parseNamespaces(buffer), parseContainerdContainers(buffer)]) {
        if (!parsed.ok) expect(parsed.problem).not.toBe('');
      }
    }),
    { numRuns: 500 },
  );
});
