// The live card: what the server says of the port, in place of what stood there.
import type { Element as Data } from '@portolan/core/web';
import { build } from './build.ts';
import { readLines } from './lines.ts';
import { hasToken } from './token.ts';

/** Keeps the card up to date, and says so when that cannot be done. */
export function keepLive(): void {
  const card = document.querySelector<HTMLElement>('[data-live]');
  const address = card?.dataset['live'];
  if (card == null || address === undefined) return;
  // A page that was made for nobody in particular is filled for whoever has the token.
  if (card.querySelector('.state')?.getAttribute('data-state') === 'none' && !hasToken()) return;
  const lost = card.querySelector<HTMLElement>('.lost');
  const showLost = (is: boolean): void => {
    if (lost !== null) lost.hidden = !is;
  };
  void readLines(address, {
    line(text) {
      const { card: elements } = JSON.parse(text) as { card: Data[] };
      card.querySelector('#card-body')?.replaceChildren(...elements.map(build));
      const state = card.querySelector('.state')?.getAttribute('data-state');
      if (state != null) card.dataset['state'] = state;
    },
    lost: () => showLost(true),
    back: () => showLost(false),
  });
}
