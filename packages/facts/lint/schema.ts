// Rule schema: every object has exactly the keys it should, of the right types.
import { AUTHORITIES, isPort, isTransport } from '@portolan/core';
import type { Finding, LintRule } from './rule.ts';
import { BLOCKED_FILE, claimsPath, EPHEMERAL_FILE, profilePath, SOURCES_FILE } from './rule.ts';

type Test = (value: unknown) => string | null;
type Shape = Readonly<Record<string, Test>>;

// Reviewed files may not speak for the host or the user, so only these authorities occur in them.
const REVIEWED = AUTHORITIES.filter((authority) => authority !== 'host' && authority !== 'local');

const string: Test = (value) => (typeof value === 'string' && value !== '' ? null : 'is not a filled string');
const stringOrNull: Test = (value) => (value === null ? null : string(value));
const port: Test = (value) => (typeof value === 'number' && isPort(value) ? null : 'is not a port number');

const list: Test = (value) => (Array.isArray(value) ? null : 'is not a list');

const range: Test = (value) => {
  if (!Array.isArray(value) || value.length !== 2) return 'is not [first, last]';
  const [first, last]: unknown[] = value;
  if (port(first) !== null || port(last) !== null) return 'holds something other than port numbers';
  return (first as number) <= (last as number) ? null : 'runs backwards';
};

const ranges: Test = (value) => {
  if (!Array.isArray(value) || value.length === 0) return 'is not a filled list of ranges';
  return value.map(range).find((fault) => fault !== null) ?? null;
};

const transports: Test = (value) => {
  if (!Array.isArray(value)) return 'is not a list';
  const words: unknown[] = value;
  if (!words.every((word) => typeof word === 'string' && isTransport(word))) return 'names no such transport';
  return new Set(words).size === words.length ? null : 'names a transport twice';
};

const oneOf = (words: readonly string[]): Test => {
  return (value) => (words.includes(value as string) ? null : `is not one of ${words.join(', ')}`);
};

const CLAIM: Shape = {
  id: string,
  ports: range,
  transports,
  service: string,
  product: stringOrNull,
  vendor: stringOrNull,
  authority: oneOf(REVIEWED),
  note: stringOrNull,
  source: string,
  confidence: oneOf(['verified']),
};

/** What the registry holds back has no name, so that `service` alone would make one of it. */
const CLAIM_OPTIONAL: Shape = { status: oneOf(['reserved']) };

const SOURCE: Shape = {
  title: string,
  url: string,
  edition: stringOrNull,
  date: stringOrNull,
  publisher: string,
};

const PROFILE: Shape = { name: string, title: string, ports: list };
const PROFILE_PORT: Shape = { ports: range, transports, service: string, source: string };
const BLOCKED_HEAD: Shape = { source: string, asOf: string, ports: list };
const BLOCKED: Shape = { port, service: stringOrNull };
const BLOCKED_OPTIONAL: Shape = { added: string };
const EPHEMERAL: Shape = { os: string, versions: string, transports, ranges, source: string };

export const rule: LintRule = {
  name: 'schema',
  why: 'The loader trusts these files; a misspelt key or a wrong type would reach users as a missing fact.',
  check(data) {
    const findings: Finding[] = [];
    const add = (file: string, where: string, faults: readonly string[]): void => {
      for (const message of faults) findings.push({ file, where, message });
    };
    for (const { file, claims } of data.claimFiles) {
      const path = claimsPath(file);
      if (!Array.isArray(claims)) add(path, 'file', ['is not a list']);
      else {
        claims.forEach((claim: unknown, at) =>
          add(path, label(claim, at), faultsOf(claim, CLAIM, CLAIM_OPTIONAL)),
        );
      }
    }
    for (const [id, source] of Object.entries(data.sources)) add(SOURCES_FILE, id, faultsOf(source, SOURCE));
    add(BLOCKED_FILE, 'file', faultsOf(data.blocked, BLOCKED_HEAD));
    data.blocked.ports.forEach((row, at) => {
      add(BLOCKED_FILE, `ports[${at}]`, faultsOf(row, BLOCKED, BLOCKED_OPTIONAL));
    });
    for (const { file, profile } of data.profiles) {
      const path = profilePath(file);
      add(path, 'file', faultsOf(profile, PROFILE));
      if (!Array.isArray(profile.ports)) continue;
      profile.ports.forEach((row, at) => add(path, `ports[${at}]`, faultsOf(row, PROFILE_PORT)));
    }
    data.ephemeral.forEach((row, at) => add(EPHEMERAL_FILE, `[${at}]`, faultsOf(row, EPHEMERAL)));
    return findings;
  },
};

function label(claim: unknown, at: number): string {
  const id: unknown = (claim as { id?: unknown } | null)?.id;
  return typeof id === 'string' ? id : `[${at}]`;
}

function faultsOf(value: unknown, shape: Shape, optional: Shape = {}): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ['is not an object'];
  const row = value as Readonly<Record<string, unknown>>;
  const faults: string[] = [];
  for (const [key, test] of Object.entries(shape)) {
    const fault = key in row ? test(row[key]) : 'is missing';
    if (fault !== null) faults.push(`${key} ${fault}`);
  }
  for (const key of Object.keys(row)) {
    if (key in shape) continue;
    const test = optional[key];
    const fault = test === undefined ? 'is not a key of this file' : test(row[key]);
    if (fault !== null) faults.push(`${key} ${fault}`);
  }
  return faults;
}
