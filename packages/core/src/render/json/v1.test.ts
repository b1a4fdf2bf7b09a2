// JSON version 1: whatever is decided, the output keeps to the schema that is shipped.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import {
  makeAssigned,
  makeClaim,
  makeGap,
  makeOwner,
  makeSnapshot,
  makeSocket,
  makeUse,
} from '../../../../../fixtures/makers.ts';
import { explain } from '../../decide/explain.ts';
import { useOf } from '../../decide/use.ts';
import type { Snapshot } from '../../model/socket.ts';
import { translator } from '../../text/catalog.ts';
import { listJson, reportJson, searchJson, whoJson } from './v1.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../../portolan/schema/v1.schema.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;
const ajv = new Ajv2020({ strict: true, strictTuples: false, allErrors: true, strictTypes: false });
const validate = ajv.compile(schema);
const lang = translator('en');

/** As a reader gets it: through text. */
function check(value: unknown): void {
  const passed = validate(JSON.parse(JSON.stringify(value)));
  expect(validate.errors ?? []).toEqual([]);
  expect(passed).toBe(true);
}

const rich = makeSnapshot({
  sockets: [
    makeSocket({ owners: [makeOwner({ container: { runtime: 'docker', id: 'a'.repeat(64), name: null } })] }),
    makeSocket({
      owners: [makeOwner({ startedAt: null, exe: null, argv: null, cwd: null, user: null, inferred: true })],
    }),
    makeSocket({
      state: 'TIME_WAIT',
      inode: 0,
      uid: null,
      user: null,
      freeInMs: 10,
      peer: { address: '::1', port: 1 },
    }),
    makeSocket({ transport: 'udp', state: 'UNCONN', kernel: true, family: 'ipv6', ipv6Only: false }),
  ],
  gaps: [
    makeGap(),
    makeGap({ code: 'recorded-host', values: { path: '/x' }, remedy: null, coversUse: false }),
  ],
  limits: { ephemeral: [1024, 65_535], reserved: [[8080, 8090]], unprivilegedFrom: 0 },
  ephemeralUse: makeUse({ bindUpper: { used: 6 } }),
});
const blind: Snapshot = makeSnapshot({
  platform: 'darwin',
  release: null,
  via: 'none',
  limits: { ephemeral: null, reserved: null, unprivilegedFrom: null },
  gaps: [makeGap({ code: 'unsupported-platform', values: { platform: 'darwin' } })],
});

const report = (port: number, snapshot: Snapshot) =>
  explain({
    port,
    transports: ['tcp', 'udp'],
    claims: {
      claims: [
        makeAssigned(5000, 'commplex-main', null),
        makeClaim({ product: 'Flask', vendor: 'Pallets' }),
        makeClaim({ product: 'Other', transports: [] }),
        makeClaim({ ports: [1024, 65_535], authority: 'standard' }),
        makeClaim({ authority: 'observed', service: 'unauthorized use', note: 'x' }),
      ],
      sources: {},
    },
    snapshot,
    blocked: { source: 'whatwg', ports: [{ port: 5000, service: null }] },
    defaults: [
      { os: 'FreeBSD', versions: '14', transports: ['tcp'], ranges: [[1024, 65_535]], source: 'freebsd' },
    ],
    call: 'portolan',
    source: (id) => ({ title: id, url: `https://example.org/${id}`, date: null }),
  });

describe('against the schema', () => {
  test.each([
    ['everything', rich],
    ['nothing known', blind],
    ['a quiet host', makeSnapshot()],
  ])('a report of %s', (_what, snapshot) => {
    for (const port of [0, 80, 5000, 49_152, 65_535]) check(reportJson(report(port, snapshot), lang));
  });
  test('reports, list, who, search', () => {
    check({
      format: 'portolan.reports/1',
      reports: [report(5000, rich), report(5001, blind)].map((one) => reportJson(one, lang)),
    });
    const use = useOf(rich, null, ['tcp', 'udp']);
    check(listJson(use.holders, use.gaps, lang));
    check(listJson([], [], lang));
    check(whoJson(5000, use, lang));
    check(searchJson('x', [makeClaim()], () => ({ title: 't', url: 'u', date: '2026' })));
  });
  test('the schema can say no', () => {
    const good = JSON.parse(JSON.stringify(reportJson(report(5000, rich), lang))) as Record<string, unknown>;
    expect(validate({ ...good, extra: 1 })).toBe(false);
    expect(validate({ ...good, port: 65_536 })).toBe(false);
    expect(validate({ ...good, use: { ...(good['use'] as object), verdict: 'maybe' } })).toBe(false);
    const { risks: _risks, ...without } = good;
    expect(validate(without)).toBe(false);
  });
});

test('every source that a claim names is there', () => {
  const json = reportJson(report(5000, rich), lang);
  expect(json.claims.length).toBeGreaterThan(4);
  for (const claim of json.claims) expect(Object.keys(json.sources)).toContain(claim.source);
  for (const found of json.disagreements)
    for (const id of found.claims) expect(json.claims.map((claim) => claim.id)).toContain(id);
});

test('sentences are whole: none is a key, none has a brace left', () => {
  const json = reportJson(report(5000, rich), lang);
  const texts = [
    ...json.disagreements.map((found) => found.text),
    ...json.risks.flatMap((risk) => [risk.text, ...risk.remedies.map((remedy) => remedy.title)]),
    ...json.use.gaps.flatMap((gap) => [gap.what, gap.why]),
  ];
  expect(texts.length).toBeGreaterThan(8);
  for (const text of texts) expect(text).toMatch(/^[^{}]* [^{}]*$/);
});
