// `portolan search WORDS`: claims that have all the words.
import { PortolanError, searchClaims, searchJson, searchPage } from '@portolan/core';
import type { Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { showJson, showPage } from '../../show.ts';

const DEFAULT_LIMIT = 30;

/** Longest query that is read. */
const QUERY_LIMIT = 400;

export const run: Run = async (context) => {
  const query = context.args.positionals.join(' ').trim();
  if (query === '')
    throw new PortolanError('USAGE', 'Words to search for are missing.', {
      hint: 'As in: portolan search xsan',
    });
  if (query.length > QUERY_LIMIT) {
    throw new PortolanError('USAGE', `That is too long to search for: “${echo(query)}”.`);
  }
  const limit = readLimit(context.args.values.get('limit'));
  const facts = await context.facts(true);
  const found = searchClaims(facts.allClaims(), query);
  if (context.json)
    showJson(
      context,
      searchJson(query, found, (id) => facts.source(id)),
    );
  else showPage(context, searchPage(query, found, Math.min(limit, found.length)));
  return found.length > 0 ? 0 : 1;
};

function readLimit(raw: string | undefined): number {
  if (raw === undefined) return DEFAULT_LIMIT;
  const value = Number(raw);
  if (!/^\d{1,6}$/.test(raw) || value < 1) {
    throw new PortolanError('USAGE', `--limit takes a number from 1 to 999999, not “${echo(raw)}”.`);
  }
  return value;
}
