// Search as you type: the combobox of WAI-ARIA's Authoring Practices with a list below the field. Loaded when somebody
// first goes to the field.
import { Lookup, type LookupHit } from '@portolan/core/web';
import { type SearchFile, unpackSearch } from '../formats/search.ts';
import { beside, portAddress } from './addresses.ts';

/** Most that is shown. */
const SHOWN = 10;
/** Ports of a service that are told. */
const PORTS = 4;

/** Wires a form with a search field up. */
export async function search(form: HTMLFormElement): Promise<void> {
  const field = form.querySelector<HTMLInputElement>('input');
  const { index, page, service, thousand = null, none = '', found = '' } = form.dataset;
  // Files have no page for one transport alone.
  const local = form.hasAttribute('data-local');
  if (field === null || index === undefined || page === undefined || service === undefined) return;
  const addresses = { page, service, thousand, local };
  const list = document.createElement('ul');
  list.id = 'found';
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', field.getAttribute('aria-label') ?? '');
  list.hidden = true;
  const status = document.createElement('p');
  status.className = 'quiet';
  status.setAttribute('role', 'status');
  form.append(list, status);
  field.setAttribute('role', 'combobox');
  field.setAttribute('aria-autocomplete', 'list');
  field.setAttribute('aria-controls', list.id);
  field.setAttribute('aria-expanded', 'false');

  let chosen = -1;
  let lookup: Lookup | undefined;

  const options = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>('[role=option]')];
  const close = (): void => {
    list.hidden = true;
    chosen = -1;
    field.setAttribute('aria-expanded', 'false');
    field.removeAttribute('aria-activedescendant');
  };
  const choose = (at: number): void => {
    const all = options();
    chosen = at;
    for (const [nth, each] of all.entries()) each.setAttribute('aria-selected', String(nth === at));
    const now = all[at];
    if (now === undefined) field.removeAttribute('aria-activedescendant');
    else {
      field.setAttribute('aria-activedescendant', now.id);
      now.scrollIntoView({ block: 'nearest' });
    }
  };
  const show = (): void => {
    const text = field.value;
    if (lookup === undefined || text.trim() === '') {
      close();
      status.textContent = '';
      return;
    }
    const hits = lookup.find(text, SHOWN);
    list.replaceChildren(...hits.map((hit, at) => option(hit, at, addresses)));
    if (hits.length === 0) {
      const nothing = document.createElement('li');
      nothing.className = 'nothing';
      nothing.setAttribute('role', 'presentation');
      nothing.textContent = none;
      list.replaceChildren(nothing);
    }
    status.textContent = hits.length === 0 ? none : found.replace('{count}', String(hits.length));
    list.hidden = false;
    field.setAttribute('aria-expanded', String(hits.length > 0));
    choose(-1);
  };
  const open = (at: number): boolean => {
    const address = options()[at]?.dataset['href'];
    if (address === undefined) return false;
    location.assign(address);
    return true;
  };

  field.addEventListener('input', show);
  field.addEventListener('focus', show);
  field.addEventListener('blur', close);
  field.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    const count = options().length;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (list.hidden) show();
      if (count > 0) {
        const step = event.key === 'ArrowDown' ? 1 : -1;
        // From the field down to the first and up to the last; past either end lies the field again.
        choose(((chosen + 1 + step + count + 1) % (count + 1)) - 1);
      }
      event.preventDefault();
    } else if (event.key === 'Escape') {
      if (list.hidden) field.value = '';
      close();
      event.preventDefault();
    } else if (event.key === 'Enter' && chosen >= 0 && open(chosen)) event.preventDefault();
  });
  // The field keeps the focus; a tap on an option is taken before it would lose it.
  list.addEventListener('pointerdown', (event) => event.preventDefault());
  list.addEventListener('click', (event) => {
    const target = event.target instanceof Element ? event.target.closest('[role=option]') : null;
    if (target instanceof HTMLElement) open(options().indexOf(target));
  });
  form.addEventListener('submit', (event) => {
    // Where there is no server to ask, the best that was found is what was meant.
    if (!local) return;
    event.preventDefault();
    open(0);
  });

  const answer = await fetch(index);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  lookup = new Lookup(unpackSearch((await answer.json()) as SearchFile));
  if (document.activeElement === field) show();
}

/** Where results lead. */
interface Addresses {
  readonly page: string;
  readonly service: string;
  readonly thousand: string | null;
  readonly local: boolean;
}

function option(hit: LookupHit, at: number, addresses: Addresses): HTMLElement {
  const item = document.createElement('li');
  item.id = `found-${at}`;
  item.setAttribute('role', 'option');
  item.setAttribute('aria-selected', 'false');
  const title = document.createElement('b');
  title.dir = 'auto';
  const more = document.createElement('span');
  more.dir = 'auto';
  if (hit.kind === 'port') {
    const transport = hit.transport === null ? '' : `/${hit.transport}`;
    title.textContent = `${hit.port}${transport}`;
    more.textContent = hit.names.join(', ');
    item.dataset['href'] =
      addresses.local || transport === ''
        ? portAddress(addresses, hit.port, hit.names.length > 0)
        : beside(addresses.page, `${hit.port}${transport}`);
  } else {
    const { name, ports, vendors, slug } = hit.entry;
    title.textContent = name;
    const numbers = ports.slice(0, PORTS).map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`));
    const rest = ports.length > PORTS ? ' …' : '';
    more.textContent = [...vendors.slice(0, 1), `${numbers.join(', ')}${rest}`].join(' · ');
    item.dataset['href'] = beside(addresses.service, slug);
  }
  item.append(title, ' ', more);
  return item;
}
