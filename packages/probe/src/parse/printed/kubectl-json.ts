// `kubectl get svc -o json`: the NodePorts of Services, which every node sends on without any socket.
import type { Transport } from '@portolan/core';
import { type JsonShape, listOf, objectOf, portOf, textOf } from './json-unit.ts';

export const kubectlJson: JsonShape = {
  format: 'kubectl-json',
  is: (value) => value['kind'] === 'Service' && 'spec' in value,
  read(value, out, unit) {
    const { name, namespace } = objectOf(value['metadata']);
    const spec = objectOf(value['spec']);
    const service = `${textOf(namespace) ?? 'default'}/${textOf(name) ?? '?'}`;
    for (const entry of listOf(spec['ports']).map(objectOf)) {
      // The cluster's addresses are none of a node's: only NodePorts take something from it.
      if (entry['nodePort'] === undefined || entry['nodePort'] === 0) continue;
      const port = portOf(entry['nodePort']);
      const transport = (textOf(entry['protocol']) ?? 'TCP').toLowerCase();
      if (port === null || !/^(?:tcp|udp|sctp)$/.test(transport)) {
        out.unknown(unit.first, JSON.stringify(entry), 'port');
        continue;
      }
      const cluster = textOf(spec['clusterIP']);
      const portName = textOf(entry['name']);
      out.redirect(
        {
          transport: transport as Transport,
          family: null,
          address: null,
          ports: [port, port],
          target: {
            address: cluster === null || cluster === 'None' || cluster === '' ? null : cluster,
            port: portOf(entry['port']),
          },
          hooks: ['prerouting', 'output'],
          by: 'kube-proxy',
          table: '',
          chain: '',
          maker: 'kubernetes',
          name: portName === null ? service : `${service}:${portName}`,
          publishes: null,
        },
        unit.first,
        unit.last,
      );
    }
    return true;
  },
};
