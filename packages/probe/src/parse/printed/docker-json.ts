// JSON of `docker ps`, of Docker's API and of `podman ps`.
import { portsText, publish } from './docker.ts';
import { type JsonShape, listOf, numberOf, objectOf, textOf } from './json-unit.ts';

export const dockerJson: JsonShape = {
  format: 'docker-json',
  is: (value) =>
    'Ports' in value &&
    ('Names' in value || 'Name' in value) &&
    ('Id' in value || 'ID' in value || 'Image' in value),
  read(value, out, unit) {
    const names = value['Names'] ?? value['Name'];
    const name = (typeof names === 'string' ? names.split(',')[0] : textOf(listOf(names)[0])) ?? '';
    const id = textOf(value['Id']) ?? textOf(value['ID']) ?? '';
    const ports = value['Ports'];
    const podman = listOf(ports).some((entry) => 'host_port' in objectOf(entry)) || 'PodName' in value;
    const container = { runtime: podman ? 'podman' : 'docker', id, name: name.replace(/^\//, '') || null };
    if (typeof ports === 'string') portsText(ports, container, out, unit);
    for (const entry of listOf(ports).map(objectOf)) {
      const port = numberOf(entry['PublicPort'] ?? entry['host_port'] ?? entry['PublishedPort']);
      const inner = numberOf(entry['PrivatePort'] ?? entry['container_port'] ?? entry['TargetPort']);
      // Exposed and not published.
      if (port === null || port === 0 || inner === null) continue;
      const host = textOf(entry['IP'] ?? entry['host_ip'] ?? entry['URL']) ?? '';
      const transport = (
        textOf(entry['Type'] ?? entry['protocol'] ?? entry['Protocol']) ?? 'tcp'
      ).toLowerCase();
      const count = Math.min(numberOf(entry['range']) ?? 1, 65_536);
      for (let nth = 0; nth < Math.max(count, 1); nth++) {
        if (!publish({ host, port: port + nth, inner: inner + nth, transport }, container, out, unit)) {
          out.unknown(unit.first, JSON.stringify(entry), 'port');
          break;
        }
      }
    }
    return true;
  },
};
