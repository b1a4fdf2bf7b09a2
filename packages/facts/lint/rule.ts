// What a facts-lint rule is, and the facts it is given.
import type { BlockedPort, Claim, EphemeralDefault, Profile, Source } from '@portolan/core';

/** A source as the reviewed files hold it: with the one who publishes it. */
export interface SourceRow extends Source {
  readonly edition: string | null;
  readonly publisher: string;
}

/** One file of claims, in file order. */
export interface ClaimFile {
  /** Name inside `data/claims/`, such as `05000-05999.json`. */
  readonly file: string;
  readonly claims: readonly Claim[];
}

/** A number that browsers refuse, with the day it was added where that is on record. */
export interface BlockedRow extends BlockedPort {
  readonly added?: string;
}

/** `data/browser-blocked.json`. */
export interface BlockedFile {
  readonly source: string;
  readonly asOf: string;
  readonly ports: readonly BlockedRow[];
}

/** One file of `data/profiles/`: the ports of a product, each with the source of a claim that says so. */
export interface ProfileFile {
  readonly file: string;
  readonly profile: Profile;
}

/** One line of an exceptions file: what is let off, and why. */
export interface Exception {
  readonly key: string;
  readonly reason: string;
}

/** Exceptions by the rule they belong to. */
export interface Exceptions {
  readonly unusedSources: readonly Exception[];
  readonly httpUrls: readonly Exception[];
}

/**
 * Every data file as it was read. The types are what the files should hold; only the rule `schema` may not
 * rely on them.
 */
export interface FactsData {
  readonly claimFiles: readonly ClaimFile[];
  readonly sources: Readonly<Record<string, SourceRow>>;
  readonly blocked: BlockedFile;
  readonly ephemeral: readonly EphemeralDefault[];
  readonly profiles: readonly ProfileFile[];
  readonly exceptions: Exceptions;
}

/** One fault: the file, the place in it, and what is wrong there. */
export interface Finding {
  readonly file: string;
  readonly where: string;
  readonly message: string;
}

/** One rule; `why` is printed beside each of its findings. */
export interface LintRule {
  readonly name: string;
  readonly why: string;
  check(data: FactsData): readonly Finding[];
}

/** Paths, from the package's folder, that findings name. */
export const SOURCES_FILE = 'data/sources.json';
export const BLOCKED_FILE = 'data/browser-blocked.json';
export const EPHEMERAL_FILE = 'data/ephemeral-defaults.json';
export const UNUSED_SOURCES_FILE = 'lint/exceptions/unused-sources.txt';
export const HTTP_URLS_FILE = 'lint/exceptions/http-urls.txt';

/** Path of a claims file as findings name it. */
export function claimsPath(file: string): string {
  return `data/claims/${file}`;
}

/** Path of a profile as findings name it. */
export function profilePath(file: string): string {
  return `data/profiles/${file}`;
}

/** A claim and the path of its file. */
export interface PlacedClaim {
  readonly file: string;
  readonly claim: Claim;
}

/** Every claim of every file, in file order. */
export function placedClaims(data: FactsData): readonly PlacedClaim[] {
  return data.claimFiles.flatMap(({ file, claims }) =>
    claims.map((claim) => ({ file: claimsPath(file), claim })),
  );
}
