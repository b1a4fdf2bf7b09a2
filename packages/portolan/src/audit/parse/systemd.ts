// Ports of systemd units: what sockets listen on (man systemd.socket(5)) and what services are started with.
import type { FixedPort, Transport } from '@portolan/core';
import { portsOfCommand } from './command-line.ts';
import { fill, type Setting, type Settings, sourceOf } from './interpolate.ts';
import { fixedPort, type Parsed, type TextFile } from './text-file.ts';
import { settingPlace, type UnitSetting, unitSettings } from './unit-file.ts';
import { addressOf, boundAddress, readPortNumber, readPortRange, type Spot } from './values.ts';

/** A unit with everything that adds to it. */
export interface Unit {
  /** `web.service`, `getty@tty1.service`. */
  readonly name: string;
  /** Its file and its drop-ins, in the order in which they apply; the first is the unit's own. */
  readonly files: readonly TextFile[];
  /** Does anything start it? Null where that was not looked at. */
  readonly enabled: boolean | null;
}

/** Ports of a unit of either kind; others have none. `environment` are variables of its EnvironmentFile= files. */
export function readUnit(unit: Unit, environment: Settings = new Map()): Parsed {
  const settings = unit.files.flatMap(unitSettings);
  if (unit.name.endsWith('.socket')) return { fixed: socketPorts(unit, settings), faults: [] };
  if (unit.name.endsWith('.service')) return { fixed: servicePorts(unit, settings, environment), faults: [] };
  return { fixed: [], faults: [] };
}

/** Files that a service reads variables from, `-` for one that may be absent taken off. */
export function environmentFiles(unit: Unit): string[] {
  const files: string[] = [];
  for (const { section, key, value } of unit.files.flatMap(unitSettings)) {
    if (section !== 'Service' || key !== 'EnvironmentFile') continue;
    if (value === '') files.length = 0;
    else files.push(specified(value.replace(/^-/, ''), unit.name));
  }
  return files;
}

/** Kinds of sockets that have ports. */
const LISTEN: ReadonlyMap<string, Transport> = new Map([
  ['ListenStream', 'tcp'],
  ['ListenDatagram', 'udp'],
  ['ListenSequentialPacket', 'sctp'],
]);

function socketPorts(unit: Unit, settings: readonly UnitSetting[]): FixedPort[] {
  let listens: UnitSetting[] = [];
  let protocol = '';
  let description = '';
  for (const setting of settings) {
    const { section, key, value } = setting;
    if (section === 'Unit' && key === 'Description') description = value;
    if (section !== 'Socket') continue;
    if (key === 'SocketProtocol') protocol = value.toLowerCase();
    if (!key.startsWith('Listen')) continue;
    // An empty assignment of any of them takes back all that was listed before.
    if (value === '') listens = [];
    else listens.push(setting);
  }
  return listens.flatMap((setting) => {
    const transport = LISTEN.get(setting.key);
    if (transport === undefined) return [];
    const value = specified(setting.value, unit.name);
    const found = listenAddress(value);
    if (found === null) return [];
    const moved = value.length - setting.value.length;
    const spot = moved === 0 ? found : { at: 0, length: setting.value.length };
    return [
      fixedPort(setting.file, {
        origin: 'systemd-socket',
        ports: [found.port, found.port],
        transport: protocol === 'sctp' ? 'sctp' : transport === 'sctp' ? 'sctp' : transport,
        address: boundAddress(found.host),
        service: unit.name,
        about: [description],
        place: settingPlace(setting, spot.at, spot.length),
        project: null,
        // systemd itself binds it.
        mayBindLow: true,
        enabled: unit.enabled,
      }),
    ];
  });
}

/** `80`, `127.0.0.1:80`, `[::]:80`, `[fe80::1%eth0]:80`, `[fe80::1]:80%eth0`; null for paths, names and VSOCK. */
function listenAddress(value: string): (Spot & { host: string; port: number }) | null {
  const bare = value.replace(/%[\w.-]+$/, '');
  const port = readPortNumber(bare);
  if (port !== null) return { host: '', port, at: 0, length: bare.length };
  const address = addressOf(bare);
  return address !== null && /^(?:\[.*\]|[\d.]+)$/.test(address.host) ? address : null;
}

function servicePorts(unit: Unit, settings: readonly UnitSetting[], environment: Settings): FixedPort[] {
  let commands: UnitSetting[] = [];
  let variables: UnitSetting[] = [];
  let allowed: UnitSetting[] = [];
  const last = new Map<string, string>();
  for (const setting of settings) {
    const { section, key, value } = setting;
    if (section === 'Unit' && key === 'Description') last.set(key, value);
    if (section !== 'Service') continue;
    if (key === 'ExecStart') commands = value === '' ? [] : [...commands, setting];
    else if (key === 'Environment') variables = value === '' ? [] : [...variables, setting];
    else if (key === 'SocketBindAllow') allowed = value === '' ? [] : [...allowed, setting];
    else if (key === 'AmbientCapabilities' || key === 'CapabilityBoundingSet') {
      last.set(key, value === '' ? '' : `${last.get(key) ?? ''} ${value}`);
    } else last.set(key, value);
  }
  const mayBindLow = privilegeOf(last);
  const common = {
    origin: 'systemd-service' as const,
    service: unit.name,
    project: null,
    enabled: unit.enabled,
  };
  const description = last.get('Description') ?? '';
  const fixed: FixedPort[] = [];
  const values = new Map<string, Setting>(environment);
  for (const setting of variables) {
    for (const { name, value, at } of assignmentsIn(setting.value)) {
      const place = settingPlace(setting, at, value.length);
      values.set(name, { value, place });
      const port = readPortNumber(value);
      if (port === null || !/^(?:\w*_)?PORT$/i.test(name)) continue;
      fixed.push(
        fixedPort(setting.file, {
          ...common,
          ports: [port, port],
          transport: 'tcp',
          about: [description, name],
          role: /^PORT$/i.test(name) ? 'binds' : 'names',
          place,
          mayBindLow,
        }),
      );
    }
  }
  for (const [name, { value, place }] of environment) {
    const port = readPortNumber(value);
    if (port === null || place === null || !/^PORT$/i.test(name)) continue;
    fixed.push(
      fixedPort(
        { project: null },
        { ...common, ports: [port, port], transport: 'tcp', about: [description, name], place, mayBindLow },
      ),
    );
  }
  for (const setting of commands) {
    const [prefix = ''] = /^[-@:+!|]*/.exec(setting.value) ?? [];
    const body = setting.value.slice(prefix.length);
    const unfilled = specified(body, unit.name);
    const filled = fill(unfilled, values);
    for (const found of portsOfCommand(filled.text)) {
      const source = sourceOf(filled, found.at, found.length);
      // A specifier that was filled in moves what follows it; the whole command then is the place.
      const exact = unfilled.length === body.length;
      const place = exact
        ? settingPlace(setting, prefix.length + source.at, source.length)
        : settingPlace(setting, prefix.length, body.length);
      fixed.push(
        fixedPort(setting.file, {
          ...common,
          ports: [found.port, found.port],
          transport: found.transport,
          address: boundAddress(found.host),
          about: [description, found.program],
          role: found.role,
          place,
          variable: source.variable,
          mayBindLow: /[+!]/.test(prefix) ? true : mayBindLow,
        }),
      );
    }
  }
  for (const setting of allowed) fixed.push(...allowedPorts(setting, { ...common, about: [description] }));
  return withoutRepeats(fixed);
}

/** `SocketBindAllow=ipv4:tcp:8080-8090` (man systemd.resource-control(5)): family and transport may be left out. */
function allowedPorts(
  setting: UnitSetting,
  common: Partial<FixedPort> & Pick<FixedPort, 'origin' | 'service'>,
): FixedPort[] {
  const [, transport, digits = ''] =
    /^(?:ipv[46]:)?(?:(tcp|udp):)?(\d+(?:-\d+)?)$/i.exec(setting.value) ?? [];
  const ports = readPortRange(digits);
  if (ports === null) return [];
  const at = setting.value.length - digits.length;
  const word = transport?.toLowerCase();
  const transports: readonly Transport[] =
    word === undefined ? ['tcp', 'udp'] : [word === 'udp' ? 'udp' : 'tcp'];
  return transports.map((each) =>
    fixedPort(setting.file, {
      ...common,
      ports,
      transport: each,
      role: 'names',
      place: settingPlace(setting, at, digits.length),
    }),
  );
}

/** A variable that the command uses as well is one port and not two. */
function withoutRepeats(fixed: readonly FixedPort[]): FixedPort[] {
  return fixed.filter((port, index) => {
    const twin = fixed.find(
      (other, at) =>
        at !== index &&
        other.ports[0] === port.ports[0] &&
        other.transport === port.transport &&
        other.place !== null &&
        (at < index
          ? port.role === 'names' || other.role === 'binds'
          : port.role === 'names' && other.role === 'binds'),
    );
    return twin === undefined || port.ports[0] !== port.ports[1];
  });
}

/** May its processes bind low ports? Null where its user decides that elsewhere. */
function privilegeOf(settings: ReadonlyMap<string, string>): boolean {
  const user = settings.get('User') ?? '';
  const dynamic = /^(?:1|yes|true|on)$/i.test(settings.get('DynamicUser') ?? '');
  const bounding = settings.get('CapabilityBoundingSet');
  const inverted = bounding?.trim().startsWith('~') === true;
  const named = /\bCAP_NET_BIND_SERVICE\b/i.test(bounding ?? '');
  if (bounding !== undefined && bounding.trim() !== '' && named === inverted) return false;
  if (!dynamic && (user === '' || user === 'root' || user === '0')) return true;
  const ambient = settings.get('AmbientCapabilities') ?? '';
  return /\bCAP_NET_BIND_SERVICE\b/i.test(ambient) && !ambient.trim().startsWith('~');
}

/** Assignments of `Environment=`, several on a line, each in quotes or not. */
function assignmentsIn(value: string): { name: string; value: string; at: number }[] {
  const found: { name: string; value: string; at: number }[] = [];
  for (const match of value.matchAll(
    /"([A-Za-z_]\w*)=([^"]*)"|'([A-Za-z_]\w*)=([^']*)'|(?<=^|\s)([A-Za-z_]\w*)=("[^"]*"|'[^']*'|\S*)/g,
  )) {
    const name = match[1] ?? match[3] ?? match[5] ?? '';
    const raw = match[2] ?? match[4] ?? match[6] ?? '';
    const text = raw.replace(/^(["'])(.*)\1$/, '$2');
    const quoted = match[5] === undefined ? 1 : raw === text ? 0 : 1;
    const head = match[5] === undefined ? 1 : 0;
    found.push({
      name,
      value: text,
      at: match.index + head + name.length + 1 + (match[5] === undefined ? 0 : quoted),
    });
  }
  return found;
}

/** Specifiers of an instance (man systemd.unit(5)): %i and %I, and %p; others are left as they stand. */
function specified(value: string, name: string): string {
  if (!value.includes('%')) return value;
  const [, prefix = '', instance] = /^([^@]*)(?:@(.*))?\.[a-z]+$/.exec(name) ?? [];
  return value
    .replace(/%[iI]/g, (whole) => (instance === undefined || instance === '' ? whole : instance))
    .replace(/%[pP]/g, prefix)
    .replace(/%%/g, '%');
}
