// The live card: what the server says of the port, in place of what stood there.
import type { Element as Data } from '@portolan/core/web';
import { build } from './build.ts';
import { readLines } from './lines.ts';

/** Keeps the card up to date, and says so when that cannot be done. */
export function keepLive(): void {
  const card = document.querySelector<HTMLElement>('[data-live]');
  const address = card?.dataset['live'];
  if (card == null || address === undefined) return;
  if (card.querySelector('.state')?.getAttribute('data-state') === 'none') return;
  const lost = card.querySelector<HTMLElement>('.lost');
  const showLost = (is: boolean): void => {
    if (lost !== null) lost.hidden = !is;
  };
  void readLines(address, {
    line(text) {
      const { card: elements } = JSON.parse(text) as { card: Data[] };
      card.querySelector('#card-body')?.replaceChildren(...elements.map(build));
    },
    lost: () => showLost(true),
    back: () => showLost(false),
  });
}
