// What is said of a port: never free where something could not be looked at, never ours where no host is known.
import type { ChartWords, LiveChart } from '@portolan/core/web';
import { describe, expect, test } from 'vitest';
import { FLAG } from '../../formats/flags.ts';
import { filled, type Here, type Known, told } from './words.ts';

/** Each sentence says its own name and the values it was given. */
const words = new Proxy({} as ChartWords, {
  get: (_target, name) => `${String(name)}[{name}|{transports}]`,
});
const say = (over: Partial<Known>) =>
  told({ port: 8080, flags: 0, names: undefined, here: null, ...over }, words);

function here(
  over: Partial<LiveChart> = {},
  held: [number, 'listening' | 'bound' | 'kernel' | 'redirect', string][] = [],
  connections: number[] = [],
): Here {
  return {
    held: new Map(held.map(([port, mark, name]) => [port, { mark, name }])),
    connections: new Set(connections),
    chart: {
      range: [32_768, 60_999],
      reserved: [],
      held: [],
      redirects: [],
      connections: [],
      complete: true,
      ...over,
    },
  };
}

describe('what it is', () => {
  const names = { registry: 'http-alt', other: 'Jetty', more: false };
  test('assigned, with name and transports', () => {
    expect(say({ flags: FLAG.tcp | FLAG.udp, names }).is).toBe('assigned[http-alt|tcp udp]');
    expect(say({ flags: FLAG.udp }).is).toContain('assignedPlain[');
  });
  test('claimed, with one name or more', () => {
    expect(say({ flags: FLAG.claimed, names }).is).toBe(
      'none[{name}|{transports}], claimed[Jetty|{transports}]',
    );
    expect(say({ flags: FLAG.claimed, names: { ...names, more: true } }).is).toContain('claimedMore[Jetty|');
    expect(say({ flags: FLAG.claimed }).is).toContain('claimedPlain[');
  });
  test('a range is told only where nobody names the number itself', () => {
    expect(say({ flags: FLAG.range }).is).toContain('inRange');
    expect(say({ flags: FLAG.range | FLAG.claimed, names }).is).not.toContain('inRange');
  });
  test('from 49152 on never assigned, below not assigned', () => {
    expect(say({ port: 49_151 }).is).toContain('none[');
    expect(say({ port: 49_152 }).is).toContain('never[');
    expect(say({ port: 49_152 }).range).toContain('dynamic[');
    expect(say({ port: 1023 }).range).toContain('system[');
  });
});

describe('who has it', () => {
  test('no host: no word about one', () => {
    const { here: holder, range } = say({});
    expect([holder, range]).toEqual(['', 'user[{name}|{transports}]']);
  });
  test('listening, by name where it is known', () => {
    expect(say({ here: here({}, [[8080, 'listening', 'java']]) }).here).toBe('listening[java|{transports}]');
    expect(say({ here: here({}, [[8080, 'listening', '']]) }).here).toContain('listeningPlain');
    expect(say({ here: here({}, [[8080, 'kernel', '']]) }).here).toContain('kernel[');
  });
  test('a connection, a rule over many ports', () => {
    expect(say({ here: here({}, [], [8080]) }).here).toContain('connection[');
    expect(say({ here: here({ redirects: [[8000, 8999]] }) }).here).toContain('redirectPlain');
  });
  test('nobody: free only where everything was looked at', () => {
    expect(say({ here: here() }).spoken).toContain('nothing[');
    const partly = say({ here: here({ complete: false }) }).spoken;
    expect(partly).toContain('unseen[');
    expect(partly).not.toContain('nothing[');
  });
  test('handed to connections, unless it is reserved', () => {
    const known = { port: 40_000, here: here() };
    expect(say(known).range).toContain('handed[');
    const kept = say({ port: 40_000, here: here({ reserved: [[40_000, 40_010]] }) }).range;
    expect(kept).toContain('kept[');
    expect(kept).not.toContain('handed[');
  });
});

test('what a value holds is never filled in turn', () => {
  expect(filled('used by {name} of {vendor}', { name: '{vendor}', vendor: 'x' })).toBe(
    'used by {vendor} of x',
  );
  expect(filled('{name}', {})).toBe('{name}');
});
