// `portolan export`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'export',
  usage: 'export DIR',
  summary: 'the pages as files for any web host, or as one packed file',
  flags: [
    {
      name: 'lang',
      value: 'LIST',
      summary:
        'tags with commas between them, the first for readers without another; all that pages are there in by default',
    },
    {
      name: 'base',
      value: 'URL',
      summary: 'where the site will be found, for canonical addresses and the sitemap',
    },
    { name: 'scope', value: 'WHICH', summary: 'all ports, or those that are claimed; all by default' },
    { name: 'data', value: null, summary: 'the report of each port as JSON, too' },
    {
      name: 'feedback-url',
      value: 'URL',
      summary: 'ask “was this page useful?” and send the answers there; without it nothing is asked',
    },
    { name: 'format', value: 'WHICH', summary: 'files below DIR, or pack: one file of that name' },
  ],
  examples: [
    ['portolan export site', 'every port in every language, as files'],
    ['portolan export site --lang en,cs --base https://ports.example', 'two languages, with their addresses'],
    ['portolan export site.pack --format pack', 'one file'],
  ],
  exits: '0, 1 if it could not be written; run again, it goes on where it was',
  looksAtNoHost: true,
};
