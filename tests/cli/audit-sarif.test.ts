// `portolan audit --sarif`: held against the standard's schema, and its places against the files.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, test } from 'vitest';
import { AuditFolders, COMPOSE } from './audit-run.ts';

const folders = new AuditFolders();
afterAll(() => folders.remove());
const { folder, audit } = folders;

/** The whole schema of SARIF 2.1.0 (OASIS, edition rtm.5), as a package of its own tools ships it. */
const {
  $schema: draft,
  id: _id,
  ...SCHEMA
} = JSON.parse(
  readFileSync(
    createRequire(import.meta.url).resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'),
    'utf8',
  ),
) as Record<string, unknown>;

interface Sarif {
  runs: {
    tool: { driver: { rules: { id: string }[] } };
    results: {
      ruleId: string;
      ruleIndex: number;
      level: string;
      locations: {
        physicalLocation?: {
          artifactLocation: { uri: string };
          region: { startLine: number; startColumn: number; endColumn: number };
        };
      }[];
      relatedLocations?: unknown[];
      suppressions?: { justification: string }[];
    }[];
  }[];
}

describe('SARIF', () => {
  // It is of draft 4, of whose keywords it uses none that later drafts read otherwise.
  expect(draft).toBe('http://json-schema.org/draft-04/schema#');
  expect(JSON.stringify(SCHEMA)).not.toMatch(/"exclusive(?:Minimum|Maximum)"|"id":"/);
  const validate = new Ajv({
    strict: false,
    allErrors: true,
    validateFormats: false,
    unicodeRegExp: false,
  }).compile(SCHEMA);
  const sarif = (cwd: string, ...args: readonly string[]): Sarif => {
    const outcome = audit(cwd, '--sarif', ...args);
    expect(outcome.err).toBe('');
    const log = JSON.parse(outcome.out) as Sarif;
    validate(log);
    expect(validate.errors ?? []).toEqual([]);
    return log;
  };
  test('has a rule for each result, and the exact place of each number', () => {
    const cwd = folder({ 'sub dir/compose.yaml': COMPOSE, 'bad.env': 'A\0' });
    const [run] = sarif(cwd, 'sub dir/compose.yaml', 'bad.env').runs;
    expect(run?.results.length).toBeGreaterThan(5);
    const lines = COMPOSE.split('\n');
    for (const { ruleId, ruleIndex, locations } of run?.results ?? []) {
      expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      const at = locations[0]?.physicalLocation;
      expect(at?.artifactLocation.uri).toBe('sub%20dir/compose.yaml');
      const { startLine = 0, startColumn = 0, endColumn = 0 } = at?.region ?? {};
      expect(lines[startLine - 1]?.slice(startColumn - 1, endColumn - 1)).toMatch(/^\d+$|^\$\{/);
    }
    expect(run?.results.find(({ ruleId }) => ruleId === 'same-port-twice')?.relatedLocations).toHaveLength(1);
  });
  test('findings without a file, known ones, and files of the system', () => {
    const cwd = folder({ 'compose.yaml': COMPOSE });
    audit(cwd, 'compose.yaml', '--write-baseline', 'known.json', '--reason', 'r');
    const [run] = sarif(cwd, 'compose.yaml', '--baseline', 'known.json', '--profile', 'wireguard').runs;
    expect(run?.results.some(({ suppressions }) => suppressions?.[0]?.justification === 'r')).toBe(true);
    expect(run?.results.some(({ locations }) => locations[0]?.physicalLocation === undefined)).toBe(true);
    const root = folder({ 'etc/systemd/system/a.socket': '[Socket]\nListenStream=45000\n' });
    const [system] = sarif(folder({}), '--config-root', root).runs;
    expect(system?.results[0]?.locations[0]?.physicalLocation?.artifactLocation.uri).toBe(
      `${root.slice(1)}/etc/systemd/system/a.socket`,
    );
  });
});
