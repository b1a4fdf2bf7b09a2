// `portolan audit --sarif`: held against the parts of the standard's schema, and its places against the files.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, test } from 'vitest';
import { AuditFolders, COMPOSE } from './audit-run.ts';

const folders = new AuditFolders();
afterAll(() => folders.remove());
const { folder, audit } = folders;

/** The parts of the OASIS schema of SARIF 2.1.0 that such a log is made of: what is required, and what is allowed. */
const SARIF = {
  $defs: {
    text: { type: 'object', required: ['text'], additionalProperties: false, properties: { text: { type: 'string' } } },
    artifact: {
      type: 'object', required: ['uri'], additionalProperties: false,
      properties: { uri: { type: 'string', pattern: '^(?!/)(?!\\.\\.)[^\\s\\\\]+$' }, uriBaseId: { type: 'string' } },
    },
    location: {
      type: 'object', additionalProperties: false,
      properties: {
        id: { type: 'integer', minimum: -1 },
        physicalLocation: {
          type: 'object', required: ['artifactLocation', 'region'], additionalProperties: false,
          properties: {
            artifactLocation: { $ref: '#/$defs/artifact' },
            region: {
              type: 'object', required: ['startLine', 'startColumn'], additionalProperties: false,
              properties: {
                startLine: { type: 'integer', minimum: 1 },
                startColumn: { type: 'integer', minimum: 1 },
                endColumn: { type: 'integer', minimum: 1 },
              },
            },
          },
        },
        logicalLocations: { type: 'array', items: { type: 'object', required: ['fullyQualifiedName'], additionalProperties: false, properties: { fullyQualifiedName: { type: 'string' } } } },
      },
    },
  },
  type: 'object', required: ['version', 'runs'], additionalProperties: false,
  properties: {
    $schema: { type: 'string' },
    version: { const: '2.1.0' },
    runs: {
      type: 'array', minItems: 1,
      items: {
        type: 'object', required: ['tool', 'results'], additionalProperties: false,
        properties: {
          tool: {
            type: 'object', required: ['driver'], additionalProperties: false,
            properties: {
              driver: {
                type: 'object', required: ['name', 'rules'], additionalProperties: false,
                properties: {
                  name: { type: 'string' },
                  semanticVersion: { type: 'string' },
                  rules: {
                    type: 'array', uniqueItems: true,
                    items: {
                      type: 'object', required: ['id', 'help'], additionalProperties: false,
                      properties: {
                        id: { type: 'string' },
                        shortDescription: { $ref: '#/$defs/text' },
                        fullDescription: { $ref: '#/$defs/text' },
                        help: { $ref: '#/$defs/text' },
                        defaultConfiguration: { type: 'object', additionalProperties: false, properties: { level: { enum: ['none', 'note', 'warning', 'error'] } } },
                      },
                    },
                  },
                },
              },
            },
          },
          columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
          originalUriBaseIds: { type: 'object', additionalProperties: { type: 'object', properties: { uri: { type: 'string', pattern: '^file:///.*/$|^file:///$' } } } },
          invocations: {
            type: 'array',
            items: {
              type: 'object', required: ['executionSuccessful'], additionalProperties: false,
              properties: {
                executionSuccessful: { type: 'boolean' },
                toolExecutionNotifications: { type: 'array', items: { type: 'object', required: ['message'], additionalProperties: false, properties: { level: { enum: ['none', 'note', 'warning', 'error'] }, message: { $ref: '#/$defs/text' } } } },
              },
            },
          },
          results: {
            type: 'array',
            items: {
              type: 'object', required: ['message', 'ruleId'], additionalProperties: false,
              properties: {
                ruleId: { type: 'string' },
                ruleIndex: { type: 'integer', minimum: -1 },
                level: { enum: ['none', 'note', 'warning', 'error'] },
                message: { $ref: '#/$defs/text' },
                locations: { type: 'array', items: { $ref: '#/$defs/location' } },
                relatedLocations: { type: 'array', uniqueItems: true, items: { $ref: '#/$defs/location' } },
                partialFingerprints: { type: 'object', additionalProperties: { type: 'string' } },
                suppressions: { type: 'array', uniqueItems: true, items: { type: 'object', required: ['kind'], additionalProperties: false, properties: { kind: { enum: ['inSource', 'external'] }, justification: { type: 'string' } } } },
              },
            },
          },
        },
      },
    },
  },
}; // biome-ignore format: a schema reads better in few lines

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
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(SARIF);
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
