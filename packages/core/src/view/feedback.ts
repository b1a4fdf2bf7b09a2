// What readers answered: a line a page, the counts by answer.
import { total } from '../decide/feedback.ts';
import { type PageFeedback, USEFUL } from '../model/feedback.ts';
import { say } from '../model/message.ts';
import { data, type Node, type Page, said } from './tree.ts';

/** The page of `portolan feedback`. */
export function feedbackPage(pages: readonly PageFeedback[], file: string): Page {
  const count = pages.reduce((sum, page) => sum + total(page), 0);
  const nodes: Node[] = [
    {
      kind: 'answer',
      severity: 'info',
      lines: [
        [
          said(
            say(count === 0 ? 'feedback.none' : 'feedback.title', { count, pages: pages.length }),
            'strong',
          ),
        ],
        [said(say('feedback.kept', { file }))],
      ],
    },
  ];
  if (count > 0) {
    nodes.push({
      kind: 'table',
      header: true,
      columns: [
        { title: say('feedback.col.page'), align: 'left', grow: true },
        ...USEFUL.map((useful) => ({
          title: say(`feedback.col.${useful}`),
          align: 'right' as const,
          grow: false,
        })),
        { title: say('feedback.col.languages'), align: 'left', grow: false },
        { title: say('feedback.col.last'), align: 'left', grow: false },
      ],
      rows: pages.map((page) => [
        [data(page.page)],
        ...USEFUL.map((useful) => [data(String(page.counts[useful]))]),
        [data(page.languages.map(({ lang }) => lang).join(' '))],
        [data(page.last)],
      ]),
    });
  }
  return { nodes };
}
