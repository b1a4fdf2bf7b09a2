// Every rule of the facts lint, in the order in which they run.
import { rule as band } from './band.ts';
import { rule as blockedKnown } from './blocked-known.ts';
import { rule as dynamicNeverUnassigned } from './dynamic-never-unassigned.ts';
import { rule as idShape } from './id-shape.ts';
import { rule as idUnique } from './id-unique.ts';
import { rule as noDuplicate } from './no-duplicate.ts';
import { rule as noteLength } from './note-length.ts';
import { rule as profileClaimed } from './profile-claimed.ts';
import type { LintRule } from './rule.ts';
import { rule as schema } from './schema.ts';
import { rule as sourceDated } from './source-dated.ts';
import { rule as sourceExists } from './source-exists.ts';
import { rule as sourceUsed } from './source-used.ts';
import { rule as textClean } from './text-clean.ts';
import { rule as urlHttps } from './url-https.ts';
import { rule as vendorConsistent } from './vendor-consistent.ts';

/** `schema` comes first: the others rely on the types that it checks. */
export const RULES: readonly LintRule[] = [
  schema,
  idShape,
  idUnique,
  sourceExists,
  sourceUsed,
  sourceDated,
  band,
  noDuplicate,
  noteLength,
  dynamicNeverUnassigned,
  blockedKnown,
  profileClaimed,
  urlHttps,
  textClean,
  vendorConsistent,
];
