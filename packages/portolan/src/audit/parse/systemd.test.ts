// Units of systemd: sockets and services, drop-ins, resets, templates, continued lines, comments, and rights.
import { describe, expect, test } from 'vitest';
import { environmentFiles, readUnit } from './systemd.ts';
import { TextFile } from './text-file.ts';

function unit(name: string, ...texts: string[]) {
  const files = texts.map(
    (text, index) => new TextFile(index === 0 ? name : `${name}.d/${index}.conf`, text, null),
  );
  return { name, files, enabled: true };
}

function said(name: string, ...texts: string[]): string[] {
  return readUnit(unit(name, ...texts)).fixed.map(
    ({ ports: [first, last], transport, address, place, role }) =>
      `${first === last ? first : `${first}-${last}`}/${transport}${address === null ? '' : `@${address}`} ${place?.file}:${place?.line}:${place?.column}-${place?.endColumn}${role === 'names' ? ' named' : ''}`,
  );
}

describe('sockets', () => {
  test.each([
    ['ListenStream=80', '80/tcp a.socket:2:14-16'],
    ['ListenStream = 80', '80/tcp a.socket:2:16-18'],
    ['ListenStream=0.0.0.0:80', '80/tcp a.socket:2:22-24'],
    ['ListenStream=127.0.0.1:80', '80/tcp@127.0.0.1 a.socket:2:24-26'],
    ['ListenStream=[::]:80', '80/tcp a.socket:2:19-21'],
    ['ListenStream=[::1]:80', '80/tcp@::1 a.socket:2:20-22'],
    ['ListenStream=[fe80::1]:80%eth0', '80/tcp@fe80::1 a.socket:2:24-26'],
    ['ListenDatagram=[::]:53', '53/udp a.socket:2:21-23'],
  ])('%s', (line, expected) => {
    expect(said('a.socket', `[Socket]\n${line}\n`)).toEqual([expected]);
  });
  test.each([
    'ListenStream=/run/x.sock',
    'ListenStream=@abstract',
    'ListenStream=vsock:2:1234',
    'ListenSequentialPacket=/run/y',
    'ListenFIFO=/run/80',
    'ListenNetlink=audit 1',
    'ListenSpecial=/dev/80',
    'ListenMessageQueue=/80',
    'ListenStream=99999',
    'ListenStream=0',
    '# ListenStream=80',
    '; ListenStream=80',
    'Listen Stream=80',
  ])('%s is no port', (line) => {
    expect(said('a.socket', `[Socket]\n${line}\n`)).toEqual([]);
  });
  test('only in its own section', () => {
    expect(said('a.socket', '[Unit]\nListenStream=80\n[Install]\nListenStream=81\n')).toEqual([]);
  });
  test('drop-ins add, and an empty assignment of any kind takes back what was listed', () => {
    expect(said('a.socket', '[Socket]\nListenStream=80\n', '[Socket]\nListenStream=81\n')).toEqual([
      '80/tcp a.socket:2:14-16',
      '81/tcp a.socket.d/1.conf:2:14-16',
    ]);
    expect(
      said(
        'a.socket',
        '[Socket]\nListenStream=80\nListenDatagram=80\n',
        '[Socket]\nListenStream=\nListenStream=81\n',
      ),
    ).toEqual(['81/tcp a.socket.d/1.conf:3:14-16']);
  });
  test('SCTP', () => {
    expect(said('a.socket', '[Socket]\nListenStream=5000\nSocketProtocol=sctp\n')).toEqual([
      '5000/sctp a.socket:2:14-18',
    ]);
  });
  test('a template takes its instance, and has no number by itself', () => {
    expect(said('a@8080.socket', '[Socket]\nListenStream=127.0.0.1:%i\n')).toEqual([
      '8080/tcp@127.0.0.1 a@8080.socket:2:14-26',
    ]);
    expect(said('a@.socket', '[Socket]\nListenStream=%i\nListenStream=90\n')).toEqual([
      '90/tcp a@.socket:3:14-16',
    ]);
  });
  test('CRLF and a byte order mark', () => {
    expect(said('a.socket', '\uFEFF[Socket]\r\nListenStream=80\r\n')).toEqual(['80/tcp a.socket:2:14-16']);
  });
});

describe('services', () => {
  test.each([
    ['ExecStart=/usr/bin/app --port 8080', '8080/tcp a.service:2:31-35'],
    ['ExecStart=/usr/bin/app --port=8080', '8080/tcp a.service:2:31-35'],
    ['ExecStart=/usr/bin/app -p 8080', '8080/tcp a.service:2:27-31'],
    ['ExecStart=/usr/bin/app :8080', '8080/tcp a.service:2:25-29'],
    ['ExecStart=-/usr/bin/app --listen 127.0.0.1:8080', '8080/tcp@127.0.0.1 a.service:2:44-48'],
    ['ExecStart=/usr/bin/app --web.listen-address="[::]:9100"', '9100/tcp a.service:2:51-55'],
    ['ExecStart=/usr/bin/app --listen-client-urls=http://0.0.0.0:2379', '2379/tcp a.service:2:60-64'],
    ['ExecStart=/usr/bin/app --server http://localhost:9000', '9000/tcp@127.0.0.1 a.service:2:50-54 named'],
    ['SocketBindAllow=ipv4:tcp:8080-8090', '8080-8090/tcp a.service:2:26-35 named'],
  ])('%s', (line, expected) => {
    expect(said('a.service', `[Service]\n${line}\n`)).toEqual([expected]);
  });
  test('a continued line, with a comment within, keeps its places', () => {
    const text =
      '[Service]\nExecStart=/usr/bin/app \\\n  # not this --port 1 \\\n  --name x \\\n  --port 8080\n';
    expect(said('a.service', text)).toEqual(['8080/tcp a.service:5:10-14']);
  });
  test('resets, drop-ins, and only what starts it', () => {
    expect(
      said(
        'a.service',
        '[Service]\nExecStartPre=/bin/x --port 1\nExecStart=/bin/app --port 8080\n',
        '[Service]\nExecStart=\nExecStart=/bin/app --port 9090\n',
      ),
    ).toEqual(['9090/tcp a.service.d/1.conf:3:27-31']);
  });
  test('Environment, with quotes, and used by the command', () => {
    expect(
      said(
        'a.service',
        '[Service]\nEnvironment="A=b c" PORT=8080 \'X_PORT=9\'\nExecStart=/bin/app --port ${PORT}\n',
      ),
    ).toEqual(['8080/tcp a.service:2:26-30', '9/tcp a.service:2:39-40 named']);
  });
  test('variables of EnvironmentFile', () => {
    const it = unit('a.service', '[Service]\nEnvironmentFile=-/etc/default/a\nExecStart=/bin/app -p $WEB\n');
    expect(environmentFiles(it)).toEqual(['/etc/default/a']);
    const place = { file: '/etc/default/a', line: 1, column: 5, endColumn: 9 };
    const { fixed } = readUnit(it, new Map([['WEB', { value: '8080', place }]]));
    expect(fixed).toMatchObject([
      { ports: [8080, 8080], variable: { name: 'WEB', place }, place: { line: 3, column: 23 } },
    ]);
  });
  test('SocketBindAllow without a transport is about both', () => {
    expect(said('a.service', '[Service]\nSocketBindAllow=8080\nSocketBindAllow=any\n')).toHaveLength(2);
  });
  test.each([
    ['', true],
    ['User=www', false],
    ['DynamicUser=yes', false],
    ['User=www\nAmbientCapabilities=CAP_NET_BIND_SERVICE', true],
    ['User=www\nAmbientCapabilities=CAP_NET_RAW\nAmbientCapabilities=CAP_NET_BIND_SERVICE', true],
    ['User=www\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nAmbientCapabilities=', false],
    ['User=root\nCapabilityBoundingSet=CAP_NET_RAW', false],
    ['User=root\nCapabilityBoundingSet=~CAP_NET_BIND_SERVICE', false],
    ['User=root\nCapabilityBoundingSet=~CAP_SYS_ADMIN', true],
  ])('may it bind low ports? %j: %s', (settings, may) => {
    const { fixed } = readUnit(unit('a.service', `[Service]\n${settings}\nExecStart=/bin/app --port 80\n`));
    expect(fixed[0]?.mayBindLow).toBe(may);
  });
  test('with + before the command it has every right', () => {
    const { fixed } = readUnit(unit('a.service', '[Service]\nUser=www\nExecStart=+/bin/app --port 80\n'));
    expect(fixed[0]?.mayBindLow).toBe(true);
  });
});
