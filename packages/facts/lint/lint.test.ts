// The facts lint: the real data has no findings, and each rule finds a fault planted for it.
import { readdirSync } from 'node:fs';
import type { Claim } from '@portolan/core';
import { describe, expect, it } from 'vitest';
import { readFacts } from './read.ts';
import type { FactsData, LintRule } from './rule.ts';
import { RULES } from './rules.ts';

const NOT_RULES = ['lint.test.ts', 'read.ts', 'rule.ts', 'rules.ts'];

/** Runs one rule and writes each finding as one line, with the rule's reason after it. */
function run(rule: LintRule, data: FactsData): string[] {
  return rule
    .check(data)
    .map(({ file, where, message }) => `${file}: ${where}: ${message} [${rule.name}: ${rule.why}]`);
}

describe('the rules', () => {
  it('are all listed', () => {
    const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.ts'));
    const ruleFiles = files.filter((file) => !NOT_RULES.includes(file));
    expect(RULES.map(({ name }) => `${name}.ts`).sort()).toEqual(ruleFiles.sort());
  });
});

describe('the reviewed data', () => {
  const data = readFacts();

  it('was read', () => {
    expect(data.claimFiles.length).toBeGreaterThan(0);
    expect(data.claimFiles.flatMap(({ claims }) => claims).length).toBeGreaterThan(0);
    expect(Object.keys(data.sources).length).toBeGreaterThan(0);
    expect(data.ephemeral.length).toBeGreaterThan(0);
  });

  it.each(RULES)('has no findings of $name', (rule) => {
    expect(run(rule, data)).toEqual([]);
  });
});

const CLAIM: Claim = {
  id: 'thing-5000',
  ports: [5000, 5000],
  transports: ['tcp'],
  service: 'server',
  product: 'Thing',
  vendor: 'Maker',
  authority: 'default',
  note: null,
  source: 'manual',
  confidence: 'verified',
};

const CLEAN: FactsData = {
  claimFiles: [{ file: '05000-05999.json', claims: [CLAIM] }],
  sources: {
    manual: {
      title: 'Manual',
      url: 'https://example.org/manual',
      edition: null,
      date: '2026-11',
      publisher: 'Maker',
    },
  },
  blocked: {
    source: 'manual',
    asOf: '2026-07-02',
    ports: Array.from({ length: 83 }, (_, at) => ({ port: at, service: null })),
  },
  ephemeral: [
    { os: 'Linux', versions: 'all', transports: ['tcp'], ranges: [[32768, 60999]], source: 'manual' },
  ],
  profiles: [
    {
      file: 'thing.json',
      profile: {
        name: 'thing',
        title: 'Thing',
        ports: [{ ports: [5000, 5000], transports: ['tcp'], service: 'server', source: 'manual' }],
      },
    },
  ],
  exceptions: { unusedSources: [], httpUrls: [] },
};

function withProfile(change: object, port: object = {}): FactsData {
  const [file] = CLEAN.profiles;
  const row = { ...file?.profile.ports[0], ...port };
  return {
    ...CLEAN,
    profiles: [{ file: 'thing.json', profile: { ...file?.profile, ports: [row], ...change } as never }],
  };
}

function withClaims(...claims: readonly Claim[]): FactsData {
  return { ...CLEAN, claimFiles: [{ file: '05000-05999.json', claims }] };
}

function withSource(change: object): FactsData {
  return { ...CLEAN, sources: { manual: { ...CLEAN.sources['manual'], ...change } as never } };
}

function withDynamic(change: Partial<Claim>): FactsData {
  const claim: Claim = { ...CLAIM, ports: [60163, 60163], ...change };
  return { ...CLEAN, claimFiles: [{ file: '60000-60999.json', claims: [claim] }] };
}

/** Faults by the rule that must find them; each yields exactly one finding. */
const PLANTED: Readonly<Record<string, readonly FactsData[]>> = {
  schema: [
    withClaims({ ...CLAIM, ports: [5001, 5000] }),
    withClaims({ ...CLAIM, ports: [5000, 65_536] }),
    withClaims({ ...CLAIM, product: '' }),
    withClaims({ ...CLAIM, transports: ['TCP' as never] }),
    withClaims({ ...CLAIM, authority: 'host' }),
    withClaims({ ...CLAIM, confidence: 'likely' }),
    withClaims({ ...CLAIM, spelling: 'wrong' } as never),
    withSource({ publisher: null }),
    { ...CLEAN, ephemeral: [{ ...CLEAN.ephemeral[0], ranges: [] } as never] },
    withProfile({ kind: 'thing' }),
    withProfile({}, { ports: [5001, 5000] }),
  ],
  'id-shape': [withClaims({ ...CLAIM, id: 'Thing 5000' }), withClaims({ ...CLAIM, id: 'x'.repeat(61) })],
  'id-unique': [withClaims(CLAIM, { ...CLAIM, service: 'other' })],
  'source-exists': [
    { ...withClaims({ ...CLAIM, source: 'hearsay' }), profiles: [] },
    withProfile({}, { source: 'hearsay' }),
  ],
  'source-used': [
    { ...CLEAN, sources: { ...CLEAN.sources, spare: { ...CLEAN.sources['manual'] } as never } },
    { ...CLEAN, exceptions: { unusedSources: [{ key: 'manual', reason: 'was unused' }], httpUrls: [] } },
    { ...CLEAN, exceptions: { unusedSources: [{ key: 'gone', reason: 'was removed' }], httpUrls: [] } },
  ],
  'source-dated': [withSource({ date: null }), withSource({ date: 'November 2026' })],
  band: [
    withClaims({ ...CLAIM, ports: [6000, 6000] }),
    withClaims({ ...CLAIM, id: 'thing-5001', ports: [5001, 5001] }, CLAIM),
  ],
  'no-duplicate': [
    withClaims(CLAIM, { ...CLAIM, id: 'thing-5000-again', transports: ['udp', 'tcp'] }),
    withClaims(CLAIM, { ...CLAIM, id: 'thing-5000-any', transports: [] }),
  ],
  'note-length': [withClaims({ ...CLAIM, note: 'x'.repeat(281) })],
  'dynamic-never-unassigned': [
    withDynamic({ authority: 'registry' }),
    withDynamic({ note: 'Unassigned by IANA.' }),
  ],
  'blocked-known': [
    { ...CLEAN, blocked: { ...CLEAN.blocked, ports: CLEAN.blocked.ports.slice(1) } },
    {
      ...CLEAN,
      blocked: { ...CLEAN.blocked, ports: CLEAN.blocked.ports.with(5, { port: 4, service: null }) },
    },
  ],
  'profile-claimed': [
    withProfile({ name: 'other' }),
    withProfile({ ports: [] }),
    withProfile({}, { ports: [5000, 5001] }),
    withProfile({}, { transports: ['udp'] }),
  ],
  'url-https': [
    withSource({ url: 'http://example.org/manual' }),
    withSource({ url: 'manual' }),
    {
      ...CLEAN,
      exceptions: { unusedSources: [], httpUrls: [{ key: 'http://gone.example', reason: 'old' }] },
    },
  ],
  'text-clean': [
    withClaims({ ...CLAIM, note: 'bell \u0007 here' }),
    withClaims({ ...CLAIM, note: ' leading' }),
    withClaims({ ...CLAIM, note: 'two  spaces' }),
    withSource({ url: 'https://my-laptop.tail0.ts.net/manual' }),
  ],
  'vendor-consistent': [
    withClaims(CLAIM, { ...CLAIM, id: 'thing-5001', ports: [5001, 5001], vendor: 'MAKER' }),
    withSource({ publisher: 'maker' }),
  ],
};

describe('planted faults', () => {
  it('exist for every rule', () => {
    expect(Object.keys(PLANTED).sort()).toEqual(RULES.map(({ name }) => name).sort());
  });

  it.each(RULES)('none in clean data for $name', (rule) => {
    expect(run(rule, CLEAN)).toEqual([]);
  });

  it.each(RULES)('each found once by $name', (rule) => {
    for (const data of PLANTED[rule.name] ?? []) expect(run(rule, data)).toHaveLength(1);
  });
});
