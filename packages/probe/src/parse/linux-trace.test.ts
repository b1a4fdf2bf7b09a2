import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTraceLine, TraceLines } from './linux-trace.ts';

/** Recorded on Linux 6.18 (trace_pipe of an instance, clock mono). */
const V4 =
  '         python3-17759   [001] .....  1778.549673: inet_sock_set_state: family=AF_INET protocol=IPPROTO_TCP sport=1234 dport=0 saddr=127.0.0.1 daddr=0.0.0.0 saddrv6=::ffff:127.0.0.1 daddrv6=::ffff:0.0.0.0 oldstate=TCP_CLOSE newstate=TCP_LISTEN';
const V6 =
  '         python3-17759   [001] .....  1778.549933: inet_sock_set_state: family=AF_INET6 protocol=IPPROTO_TCP sport=52953 dport=0 saddr=0.0.0.0 daddr=0.0.0.0 saddrv6=:: daddrv6=:: oldstate=TCP_LISTEN newstate=TCP_CLOSE';
const TAIL = V4.slice(V4.indexOf('-17759'));

describe('parseTraceLine', () => {
  test('a listener that begins, over IPv4', () => {
    expect(parseTraceLine(V4)).toEqual({
      kind: 'state',
      at: 1_778_549_673,
      thread: 17_759,
      family: 'ipv4',
      port: 1234,
      address: '127.0.0.1',
      from: 'CLOSE',
      to: 'LISTEN',
    });
  });

  test('a listener that ends, over IPv6', () => {
    expect(parseTraceLine(V6)).toMatchObject({
      family: 'ipv6',
      address: '::',
      port: 52_953,
      from: 'LISTEN',
      to: 'CLOSE',
    });
  });

  test('other options of the trace: no flags, the process beside the thread', () => {
    const plain = 'a-1 [003]  5.000001: ';
    expect(parseTraceLine(TAIL.replace(/^.*?: /, plain))).toMatchObject({ thread: 1, at: 5_000_001 });
    const group = 'a-7     (      5) [000] d..1.  5.000001: ';
    expect(parseTraceLine(TAIL.replace(/^.*?: /, group))).toMatchObject({ thread: 7 });
  });

  test('messages that did not fit are counted', () => {
    expect(parseTraceLine('CPU:1 [LOST 32 EVENTS]')).toEqual({ kind: 'lost', count: 32 });
    expect(parseTraceLine('xCPU:1 [LOST 32 EVENTS]')).toBeNull();
  });

  test('other lines, other protocols and ports that are none say nothing', () => {
    expect(parseTraceLine('')).toBeNull();
    expect(parseTraceLine(V4.replace('IPPROTO_TCP', 'IPPROTO_MPTCP'))).toBeNull();
    expect(parseTraceLine(V4.replace('sport=1234', 'sport=65536'))).toBeNull();
    expect(parseTraceLine(V4.replace('AF_INET', '0x11'))).toBeNull();
    expect(parseTraceLine(`${V4} `)).toBeNull();
    expect(parseTraceLine(V4.slice(0, -9))).toBeNull();
    expect(parseTraceLine('x'.repeat(1 << 20) + V4)).toBeNull();
  });

  test.each([
    '-1 [000] . 1.1:',
    'a b-99   [001] ',
    'family=AF_INET ',
    'sport=1 dport=0',
    ': inet_sock_set',
    '-5 [000] 1.00:',
    ']:)(-1 [999] .',
  ])('a process that calls itself “%s” says nothing of pid and port', (comm) => {
    expect(parseTraceLine(`${comm}${TAIL}`)).toEqual(parseTraceLine(V4));
  });

  test('whatever 15 bytes a process calls itself, only the kernel’s own fields are read', () => {
    const comm = fc.oneof(
      fc.string({ maxLength: 15, unit: 'binary-ascii' }),
      fc
        .array(fc.constantFrom('-1', ' ', '[000]', '\n', ': ', '1.000001', 'sport=', '(', ')', '.....'), {
          maxLength: 6,
        })
        .map((parts) => parts.join('').slice(0, 15)),
    );
    fc.assert(
      fc.property(comm, (name) => {
        // A name with newlines makes lines of its own, which say nothing.
        const lines = new TraceLines().push(`${name}${TAIL}\n`);
        expect(lines.map(parseTraceLine).filter((line) => line !== null)).toEqual([parseTraceLine(V4)]);
      }),
      { numRuns: 2000 },
    );
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseTraceLine(text);
      }),
    );
  });
});

describe('TraceLines', () => {
  test('however the text is cut, the lines are the same', () => {
    const text = `${V4}\n${V6}\nCPU:0 [LOST 1 EVENTS]\n`;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 8 }), (cuts) => {
        const lines = new TraceLines();
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const found = at.slice(1).flatMap((end, index) => lines.push(text.slice(at[index], end)));
        expect(found).toEqual(text.trimEnd().split('\n'));
      }),
    );
  });

  test('a line that never ends is let go', () => {
    const lines = new TraceLines();
    for (let i = 0; i < 100; i++) expect(lines.push('x'.repeat(1000))).toEqual([]);
    expect(lines.push(`\n${V4}\n`).at(-1)).toBe(V4);
  });
});
