// Kubernetes manifests: what takes a port of the node and what does not, in YAML, JSON and lists.
import { describe, expect, test } from 'vitest';
import { readKubernetes } from './kubernetes.ts';
import { TextFile } from './text-file.ts';

function read(text: string) {
  return readKubernetes(new TextFile('k8s.yaml', text, '/p'));
}

function said(text: string): string[] {
  return read(text).fixed.map(
    ({ ports, transport, address, service, place }) =>
      `${ports[0]}/${transport}${address === null ? '' : `@${address}`} ${service} ${place?.line}:${place?.column}-${place?.endColumn}`,
  );
}

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: NodePort
  selector: { app: web }
  healthCheckNodePort: 30999
  ports:
    - port: 80
      targetPort: 8080
      nodePort: 30080
    - { port: 53, protocol: UDP, nodePort: "30053" }
    - port: 443
`;

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: { name: agent }
spec:
  template:
    spec:
      containers:
        - name: a
          image: x
          ports:
            - containerPort: 9000
            - { containerPort: 9001, hostPort: 19001, hostIP: 127.0.0.1 }
            - { containerPort: 9002, hostPort: 9002, protocol: UDP }
      initContainers:
        - name: i
          ports: [{ containerPort: 1, hostPort: 10001 }]
`;

test('NodePorts of Services, and not their cluster ports', () => {
  expect(said(SERVICE)).toEqual([
    '30080/tcp web 11:17-22',
    '30053/udp web 12:45-50',
    '30999/tcp web 7:24-29',
  ]);
});

test('host ports of workloads, and not their container ports', () => {
  expect(said(DEPLOYMENT)).toEqual([
    '19001/tcp@127.0.0.1 agent 12:48-53',
    '9002/udp agent 13:48-52',
    '10001/tcp agent 16:49-54',
  ]);
});

test('on the node’s network container ports are the node’s, and so are those of the command', () => {
  const pod = `apiVersion: v1
kind: Pod
metadata: {name: api}
spec:
  hostNetwork: true
  securityContext: {runAsNonRoot: true}
  containers:
    - command: [agent, --secure-port=6443, --listen, ":7443"]
      ports:
        - containerPort: 443
`;
  expect(said(pod)).toEqual(['443/tcp api 10:26-29', '6443/tcp api 8:38-42', '7443/tcp api 8:56-60']);
  expect(read(pod).fixed[0]?.mayBindLow).toBe(false);
});

test('a CronJob, a DaemonSet and lists of lists', () => {
  const cron =
    'kind: CronJob\napiVersion: batch/v1\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{ports: [{hostPort: 7000}]}]}}}}}';
  expect(read(cron).fixed.map(({ ports: [port] }) => port)).toEqual([7000]);
  const list = `kind: List\napiVersion: v1\nitems:\n- kind: ServiceList\n  items:\n  - kind: Service\n    metadata: {name: s}\n    spec: {ports: [{nodePort: 30001}]}\n`;
  expect(said(list)).toEqual(['30001/tcp s 8:31-36']);
});

test('the form of JSON, tabs and all, and several documents', () => {
  const json =
    '{\n\t"apiVersion": "v1",\n\t"kind": "Service",\n\t"metadata": {"name": "j"},\n\t"spec": {"ports": [{"nodePort": 30007}]}\n}';
  expect(said(json)).toEqual(['30007/tcp j 5:34-39']);
  expect(said(`${SERVICE}---\n${DEPLOYMENT}`)).toHaveLength(6);
});

describe('the range of NodePorts', () => {
  test.each([
    ['[kube-apiserver, --service-node-port-range=30000-40000]', [30_000, 40_000], '6:41-52'],
    ['["kube-apiserver", "--service-node-port-range", "20000-22767"]', [20_000, 22_767], '6:66-77'],
    ['[kube-apiserver, "--service-node-port-range=30000+1000"]', [30_000, 31_000], '6:42-52'],
  ])('%s', (command, ports, where) => {
    const text = `kind: Pod\napiVersion: v1\nspec:\n  containers:\n  - name: kube-apiserver\n    command: ${command}\n`;
    const [range] = read(text).nodePorts;
    expect(range?.ports).toEqual(ports);
    const { line, column, endColumn } = range?.place ?? {};
    // Columns as an editor counts them.
    const written = text.split('\n')[(line ?? 1) - 1]?.slice((column ?? 1) - 1, (endColumn ?? 1) - 1);
    expect(written).toMatch(/^\d+[-+]\d+$/);
    expect(`${line}`).toBe(where.split(':')[0]);
  });
  test('that is none is told', () => {
    const text = 'kind: Pod\nspec: {containers: [{args: ["--service-node-port-range=9-1"]}]}';
    expect(read(text)).toMatchObject({ nodePorts: [], faults: [{ kind: 'broken', line: 2 }] });
  });
});

test('numbers that are none are told, and the rest goes on', () => {
  const { fixed, faults } = read(
    'kind: Service\nspec:\n  ports:\n  - nodePort: 99999\n  - nodePort: 0\n  - nodePort: 30002\n',
  );
  expect(fixed.map(({ ports: [port] }) => port)).toEqual([30_002]);
  expect(faults).toEqual([{ kind: 'broken', line: 4, detail: '“99999” is no port' }]);
});

test('lists that multiply by aliases are bounded', () => {
  const levels = Array.from(
    { length: 7 },
    (_, level) =>
      `- &l${level}\n  kind: List\n  items: [${Array(10)
        .fill(level === 0 ? '{kind: Service, spec: {ports: [{nodePort: 30003}]}}' : `*l${level - 1}`)
        .join(', ')}]`,
  );
  const { faults } = read(`kind: List\nitems:\n${levels.join('\n')}\n`);
  expect(faults.map(({ kind }) => kind)).toContain('bomb');
});
