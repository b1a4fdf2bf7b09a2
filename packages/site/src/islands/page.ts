// What every page does beyond standing there: day and night, the visitor's system first, copying, search, the live card.

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

/** The search is loaded by whoever goes to its field; `/` does so from anywhere on the page. */
function searching(): void {
  const form = document.querySelector<HTMLFormElement>('form.find');
  const field = form?.querySelector<HTMLInputElement>('input');
  if (form == null || field == null) return;
  let loaded = false;
  const load = (): void => {
    if (loaded) return;
    loaded = true;
    void import('./search.ts')
      .then(({ search }) => search(form))
      .catch(() => {
        // The form still goes to the page of results.
        loaded = false;
      });
  };
  field.addEventListener('focus', load);
  if (document.activeElement === field) load();
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    if (at instanceof HTMLElement && (at.isContentEditable || at.matches('input, textarea, select'))) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}

themeSwitch();
ownSystem();
copying();
useful();
searching();
void exchangeCode().then(keepLive);
