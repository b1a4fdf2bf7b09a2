// What every page does beyond standing there: day and night, the visitor's system first, copying, the live card.

import { keepLive } from './live.ts';
import { exchangeCode } from './token.ts';
import { useful } from './useful.ts';

function themeSwitch(): void {
  const root = document.documentElement;
  document.querySelector('[data-theme-toggle]')?.addEventListener('click', () => {
    const now = root.dataset['theme'];
    const dark = now === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : now === 'night';
    root.dataset['theme'] = dark ? 'day' : 'night';
    try {
      localStorage.setItem('portolan-theme', root.dataset['theme']);
    } catch {
      // Not kept, then.
    }
  });
}

/** The visitor's own system first, where no live card answers for this very machine. */
function ownSystem(): void {
  if (document.querySelector('.card .state[data-state=none]') === null) return;
  const words = navigator.userAgent.toLowerCase();
  const system = words.includes('windows') ? 'windows' : /mac os|iphone|ipad/.test(words) ? 'macos' : 'linux';
  const choice = document.querySelector<HTMLInputElement>(`#os-${system}`);
  if (choice !== null) choice.checked = true;
}

function copying(): void {
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-copy]') : null;
    const text = button?.parentElement?.querySelector('code')?.textContent;
    if (button === null || text == null) return;
    void navigator.clipboard.writeText(text).then(() => {
      button.classList.add('done');
      setTimeout(() => button.classList.remove('done'), 1200);
    });
  });
}

themeSwitch();
ownSystem();
copying();
useful();
void exchangeCode().then(keepLive);
