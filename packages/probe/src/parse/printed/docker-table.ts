// The table of `docker ps` and `podman ps`.
import { portsText } from './docker.ts';
import type { Recogniser } from './row.ts';

export const dockerTable: Recogniser = {
  format: 'docker-table',
  heading: /^CONTAINER ID\s+IMAGE\s.*\bPORTS\b/,
  row: null,
  open(out) {
    let columns: { readonly name: string; readonly at: number; readonly end: number }[] = [];
    return {
      line(text, number) {
        if (dockerTable.heading?.test(text) === true) {
          const names = [...text.matchAll(/\S+(?: \S+)*/g)];
          columns = names.map((match, nth) => ({
            name: match[0],
            at: match.index,
            end: names[nth + 1]?.index ?? text.length + 300,
          }));
          return true;
        }
        if (!/^[\da-f]{8,64}\s/.test(text)) return false;
        const cell = (name: string): string => {
          const column = columns.find((each) => each.name === name);
          return column === undefined ? '' : text.slice(column.at, column.end).trim();
        };
        const container = {
          runtime: 'docker',
          id: cell('CONTAINER ID'),
          name: cell('NAMES').split(',')[0] || null,
        };
        portsText(cell('PORTS'), container, out, { first: number, last: number });
        return true;
      },
    };
  },
};
