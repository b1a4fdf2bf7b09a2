// Output of systems that are not at hand, written after manuals and sources: what is understood of each.
import { describe, expect, test } from 'vitest';
import { printedTexts } from '../../../../../fixtures/printed.ts';
import { DOCUMENTS } from './documents.ts';
import {
  PRINTED_FORMATS,
  type PrintedOptions,
  type PrintedReading,
  readPrinted as readLines,
} from './index.ts';

/** Lines and documents. */
function readPrinted(text: string, options: PrintedOptions = {}): PrintedReading {
  return readLines(text, { documents: DOCUMENTS, ...options });
}

const TEXTS = printedTexts('printed-written');

/** `transport address port peer state owners`. */
function rows(text: string): string[] {
  return readPrinted(text).sockets.map(({ transport, local, peer, state, owners }) =>
    [
      transport,
      local.address,
      local.port,
      peer === null ? '-' : `${peer.address}:${peer.port}`,
      state,
      owners.map(({ pid, name }) => `${pid}/${name}`).join(' ') || '-',
    ].join(' '),
  );
}

/** What each text says, and by which form it is known. */
const EXPECTED: Readonly<Record<string, readonly [format: string, rows: readonly string[]]>> = {
  'netstat macOS 14': [
    'netstat-bsd',
    [
      'tcp 127.0.0.1 5432 - LISTEN 512/?',
      'tcp :: 8080 - LISTEN 1001/?',
      'tcp ::1 631 - LISTEN 77/?',
      'tcp 192.168.1.5 60163 93.184.216.34:443 ESTABLISHED 2022/?',
      'tcp 192.168.1.5 60164 93.184.216.34:443 TIME_WAIT -',
      'udp 0.0.0.0 5353 - UNCONN 321/?',
      'udp fe80::1 123 - UNCONN 150/?',
    ],
  ],
  'netstat macOS 15': [
    'netstat-bsd',
    [
      'tcp 127.0.0.1 56177 - LISTEN 53558/postgres',
      'tcp :: 7000 - LISTEN 855/Brave Browser He',
      'tcp 10.0.0.2 50163 10.0.0.9:22 ESTABLISHED 4410/ssh',
      'udp 0.0.0.0 5353 - UNCONN 21865/mDNSResponder',
    ],
  ],
  'netstat FreeBSD 14': [
    'netstat-bsd',
    [
      'tcp 0.0.0.0 22 - LISTEN -',
      'tcp :: 22 - LISTEN -',
      'tcp 10.0.2.15 22 10.0.2.2:59694 ESTABLISHED -',
      'tcp 127.0.0.1 25 - LISTEN -',
      'udp 0.0.0.0 514 - UNCONN -',
      'udp :: 514 - UNCONN -',
    ],
  ],
  'netstat OpenBSD 7': [
    'netstat-bsd',
    [
      'tcp 127.0.0.1 25 - LISTEN -',
      'tcp 0.0.0.0 22 - LISTEN -',
      'udp 192.168.0.4 38231 162.159.200.1:123 ESTABLISHED -',
      'tcp ::1 25 - LISTEN -',
    ],
  ],
  'netstat Windows English': [
    'netstat-windows',
    [
      'tcp 0.0.0.0 135 - LISTEN 1052/?',
      'tcp 127.0.0.1 3000 127.0.0.1:52144 ESTABLISHED 8120/?',
      'tcp 192.168.1.5 52201 20.199.120.151:443 TIME_WAIT -',
      'tcp 192.168.1.5 52202 20.199.120.151:443 CLOSE_WAIT 812/?',
      'tcp ::1 5173 - LISTEN 9004/?',
      'tcp fe80::1 139 - LISTEN 4/System',
      'udp 0.0.0.0 5353 - UNCONN 2345/?',
      'udp ::1 1900 - UNCONN 6000/?',
    ],
  ],
  'netstat -b Windows English': [
    'netstat-windows',
    [
      'tcp 0.0.0.0 135 - LISTEN 1712/svchost.exe',
      'tcp 0.0.0.0 445 - LISTEN 4/System',
      'tcp 192.168.31.221 4699 20.54.232.160:443 ESTABLISHED 17684/svchost.exe',
      'tcp 0.0.0.0 29802 - LISTEN 6372/NVIDIA Web Helper.exe',
    ],
  ],
  'netstat Windows German': [
    'netstat-windows',
    [
      'tcp 0.0.0.0 135 - LISTEN 1128/?',
      'tcp 127.0.0.1 8765 127.0.0.1:54321 ESTABLISHED 9876/?',
      'tcp 192.168.1.5 49711 104.18.2.1:443 TIME_WAIT -',
      'udp 0.0.0.0 5353 - UNCONN 2345/?',
    ],
  ],
  'netstat Windows Chinese': [
    'netstat-windows',
    [
      'tcp 0.0.0.0 135 - LISTEN 1128/?',
      'tcp 127.0.0.1 8765 127.0.0.1:54321 ESTABLISHED 9876/?',
      'udp 0.0.0.0 5353 - UNCONN 2345/?',
    ],
  ],
  'netstat Windows Arabic': [
    'netstat-windows',
    [
      'tcp 0.0.0.0 135 - LISTEN 1128/?',
      'tcp 127.0.0.1 8765 127.0.0.1:54321 ESTABLISHED 9876/?',
      'tcp 192.168.1.5 49711 104.18.2.1:443 TIME_WAIT -',
      'udp 0.0.0.0 5353 - UNCONN 2345/?',
    ],
  ],
  'Get-NetTCPConnection': [
    'powershell-json',
    [
      'tcp :: 135 - LISTEN 1052/?',
      'tcp 127.0.0.1 3000 127.0.0.1:52144 ESTABLISHED 8120/?',
      'tcp 0.0.0.0 52144 - BOUND 8120/?',
      'tcp 192.168.1.5 52201 20.1.1.1:443 TIME_WAIT -',
    ],
  ],
  'Get-NetUDPEndpoint': ['powershell-json', ['udp fe80::1 5353 - UNCONN 2345/?']],
  'lsof macOS': [
    'lsof',
    [
      'tcp 192.168.1.5 60163 93.184.216.34:443 ESTABLISHED 855/Google',
      'tcp 0.0.0.0 7000 - LISTEN 602/ControlCe',
      'tcp :: 7000 - LISTEN 602/ControlCe',
      'udp 0.0.0.0 5353 - UNCONN 321/mDNSRespo',
    ],
  ],
  'lsof -J': ['lsof-json', ['tcp 127.0.0.1 8080 - LISTEN 9/python3 52/child']],
  'ss iproute2 3.16': [
    'ss',
    [
      'udp 0.0.0.0 68 - UNCONN 812/dhclient',
      'tcp :: 22 - LISTEN 1041/sshd',
      'tcp 0.0.0.0 22 - LISTEN 1041/sshd',
      'tcp 10.0.2.15 22 10.0.2.2:59694 ESTABLISHED 2201/sshd 2199/sshd',
    ],
  ],
  'docker ps': [
    'docker-table',
    [
      'tcp 0.0.0.0 8080 - LISTEN -',
      'tcp :: 8080 - LISTEN -',
      'udp 0.0.0.0 3478 - UNCONN -',
      'tcp 0.0.0.0 5000 - LISTEN -',
      'tcp 0.0.0.0 5001 - LISTEN -',
      'tcp 0.0.0.0 5002 - LISTEN -',
    ],
  ],
  'docker ps --format json': ['docker-json', ['tcp 0.0.0.0 8080 - LISTEN -', 'tcp :: 8080 - LISTEN -']],
  'docker API containers': ['docker-json', ['tcp 0.0.0.0 8080 - LISTEN -']],
  'podman ps --format json': ['docker-json', ['tcp 0.0.0.0 8080 - LISTEN -', 'tcp 0.0.0.0 8081 - LISTEN -']],
  'kubectl get svc': ['kubectl-json', []],
  'osquery listening_ports': [
    'osquery-json',
    ['tcp 0.0.0.0 22 - LISTEN 1041/?', 'tcp :: 22 - LISTEN 1041/?', 'udp 0.0.0.0 68 - UNCONN -'],
  ],
  'osquery process_open_sockets': [
    'osquery-json',
    ['tcp 10.0.2.15 22 10.0.2.2:59694 ESTABLISHED 2201/?', 'tcp 10.0.2.15 40000 10.0.2.2:80 TIME_WAIT -'],
  ],
  'nmap -oX two hosts': ['nmap-xml', ['tcp 192.168.1.1 80 - LISTEN -', 'udp 2001:db8::7 123 - UNCONN -']],
};

test('every written text has its expectation', () => {
  expect([...TEXTS.keys()].toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
});

describe.each([...TEXTS])('%s', (name, text) => {
  const [format, told] = EXPECTED[name] ?? ['', []];

  test('as it is, with CRLF, and in pieces of any size', () => {
    for (const form of [text, text.replaceAll('\n', '\r\n'), `\ufeff${text}`, text.trimEnd()]) {
      const reading = readPrinted(form);
      expect(reading.unknown).toEqual([]);
      expect(reading.format).toBe(format);
      expect(rows(form)).toEqual(told);
    }
  });

  test('by its own name, and by no other', () => {
    for (const as of PRINTED_FORMATS) {
      const reading = readPrinted(text, { as });
      if (as === format) expect(reading.unknown).toEqual([]);
      // A form that does not fit tells no rows of another.
      else expect(reading.formats.filter((each) => each !== as)).toEqual([]);
    }
  });
});

test('what only some of them tell', () => {
  const of = (name: string): ReturnType<typeof readPrinted> => readPrinted(TEXTS.get(name) ?? '');
  expect(of('netstat macOS 14').sockets.map(({ ipv6Only }) => ipv6Only)).toEqual([
    null,
    false,
    true,
    null,
    null,
    null,
    true,
  ]);
  expect(of('netstat Windows English').sockets[5]?.device).toBe('12');
  expect(of('netstat Windows Arabic').gaps.map(({ code }) => code)).toContain('printed-states');
  expect(of('lsof macOS').gaps.map(({ code }) => code)).toContain('printed-others');
  expect(of('docker ps').sockets[3]?.publishes).toEqual({
    container: { runtime: 'docker', id: '2f2e3d4c5b6a', name: 'turn' },
    port: 5000,
  });
  expect(of('podman ps --format json').sockets[1]?.publishes?.container.runtime).toBe('podman');
  expect(of('kubectl get svc').redirects).toMatchObject([
    {
      ports: [30_080, 30_080],
      target: { address: '10.96.0.7', port: 80 },
      name: 'shop/web:http',
      by: 'kube-proxy',
    },
  ]);
  expect(of('nmap -oX two hosts').gaps[0]?.values).toEqual({ hosts: 2 });
});

test('all of it in one text', () => {
  const reading = readPrinted([...TEXTS.values()].join('\n'));
  expect(reading.unknown).toEqual([]);
  expect(new Set(reading.formats)).toEqual(new Set(Object.values(EXPECTED).map(([format]) => format)));
});
