// What `systemctl show` prints about a unit: KEY=VALUE lines (man systemctl(1)).

/** Properties by name; a property that is a list has one value a line. */
export function parseUnitProperties(text: string): ReadonlyMap<string, readonly string[]> {
  const properties = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at <= 0) continue;
    const name = line.slice(0, at);
    const values = properties.get(name);
    if (values === undefined) properties.set(name, [line.slice(at + 1)]);
    else values.push(line.slice(at + 1));
  }
  return properties;
}

/** Characters, length and endings that systemd takes (systemd src/basic/unit-name.c), for units we would stop. */
export function isUnitName(name: string): boolean {
  return name.length <= 255 && /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*\.(service|socket)$/.test(name);
}

/** Does a socket unit's `Listen` property name this port? Values are `0.0.0.0:22 (Stream)`, `[::]:22 (Stream)`, `22 (Stream)`. */
export function listensOn(values: readonly string[], port: number): boolean {
  return values.some((value) => {
    const match = /(?:^|:)(\d+) \((?:Stream|Datagram|SequentialPacket)\)$/.exec(value);
    return match !== null && Number(match[1]) === port;
  });
}

/** Uid of the user whose manager runs a cgroup (`user@1000.service` on the way to it); null for the system's own. */
export function userManagerOf(cgroup: string): number | null {
  const match = /\/user@(\d+)\.service\//.exec(cgroup);
  return match === null ? null : Number(match[1]);
}

/** Is a cgroup this one or below it? The root is never a match: everything is below it. */
export function isWithin(cgroup: string, parent: string): boolean {
  return parent !== '' && parent !== '/' && (cgroup === parent || cgroup.startsWith(`${parent}/`));
}
