// `portolan feedback`: the counts by page.
import { byPage, feedbackJson, feedbackPage, PortolanError } from '@portolan/core';
import type { Run } from '../../command.ts';
import { FeedbackFile } from '../../feedback-file.ts';
import { echo } from '../../flags.ts';
import { showJson, showPage } from '../../show.ts';

export const run: Run = async (context) => {
  const [word] = context.args.positionals;
  if (word !== undefined) throw new PortolanError('USAGE', `feedback takes no “${echo(word)}”.`);
  const file = new FeedbackFile(context.dataDir);
  const pages = byPage(file.read());
  if (context.json) showJson(context, feedbackJson(pages, file.path));
  else showPage(context, feedbackPage(pages, file.path));
  return 0;
};
