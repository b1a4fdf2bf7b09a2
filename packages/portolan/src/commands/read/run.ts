// `portolan read`: a file of another tool's output as list shows this host, with the lines that were not understood.
import { type Claim, holdersOf, ListLines, PortolanError, readPage, TRANSPORTS } from '@portolan/core';
import { PRINTED_FORMATS, type PrintedFormat, TOOL_NAMES, toolOf } from '@portolan/probe/printed';
import type { Context, Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { showPage } from '../../show.ts';

/** Bytes that are written at once. */
const PIECE = 1 << 20;

export const run: Run = async (context) => {
  const { values, switches, positionals } = context.args;
  if (values.get('as') === 'list') return listFormats(context);
  const as = formatOf(values.get('as'));
  const [path, second] = positionals;
  if (path === undefined || second !== undefined) {
    throw new PortolanError('USAGE', path === undefined ? 'File is missing.' : 'read takes one file.', {
      hint: 'portolan read FILE, or - for standard input: ss -tuanp | portolan read -',
    });
  }
  const { printedSnapshot, readPrintedFile } = await import('../../printed.ts');
  const facts = await context.facts(true);
  const file = readPrintedFile(path, facts, as);
  const { reading } = file;
  const namespaces = !switches.has('here');
  const snapshot = printedSnapshot(file, path, { ports: null, transports: TRANSPORTS, namespaces });
  const holders = holdersOf(snapshot, null, TRANSPORTS);
  const { formats, ranges, unknown, unknownCount } = reading;
  if (context.json) {
    const more = { formats, ranges, unknown, unknownCount };
    const list = new ListLines((text) => Buffer.from(text, 'utf8'));
    for (const holder of holders) {
      list.add(holder);
      if (list.size >= PIECE) context.io.out(list.take());
    }
    list.end(snapshot.gaps, [], context.lang, more);
    context.io.out(list.take());
  } else {
    const claims = new Map<number, readonly Claim[]>();
    const page = readPage({
      holders,
      gaps: snapshot.gaps,
      claimsOf(port) {
        const known = claims.get(port) ?? facts.claimsFor(port).claims;
        claims.set(port, known);
        return known;
      },
      all: switches.has('all'),
      tools: [...new Set(formats.map(toolOf))],
      known: TOOL_NAMES,
      ranges,
      unknown,
      unknownCount,
    });
    showPage(context, page);
  }
  return formats.length === 0 ? 1 : 0;
};

function formatOf(word: string | undefined): PrintedFormat | null {
  if (word === undefined) return null;
  const format = PRINTED_FORMATS.find((known) => known === word.toLowerCase());
  if (format === undefined) {
    throw new PortolanError('USAGE', `There is no format “${echo(word)}”.`, {
      hint: `Formats: ${PRINTED_FORMATS.join(', ')}.`,
    });
  }
  return format;
}

/** `--as list`: the formats there are. */
function listFormats(context: Context): number {
  context.io.out(`${PRINTED_FORMATS.join('\n')}\n`);
  return 0;
}
