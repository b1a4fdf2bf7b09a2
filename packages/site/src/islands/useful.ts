// "Was this page useful?": sends the answer without leaving the page, and marks what was answered before.

/** Wires the form up where the page has one. */
export function useful(): void {
  const form = document.querySelector<HTMLFormElement>('form.useful');
  if (form === null) return;
  const output = form.querySelector('output');
  const page = form.querySelector<HTMLInputElement>('[name=page]')?.value ?? '';
  mark(form, remembered(page));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const button = event.submitter as HTMLButtonElement | null;
    if (button === null) return;
    const before = remembered(page);
    const fields = Object.fromEntries([...new FormData(form), ['useful', button.value]]) as Record<
      string,
      string
    >;
    void send(form.action, before === null ? fields : { ...fields, before })
      .then((answer) => answer.ok)
      .catch(() => false)
      .then((ok) => {
        if (output !== null) output.textContent = form.dataset[ok ? 'thanks' : 'failed'] ?? '';
        if (!ok) return;
        mark(form, button.value);
        try {
          localStorage.setItem(`portolan-useful:${page}`, button.value);
        } catch {
          // Then it can be answered again.
        }
      });
  });
}

/** To another site as a form would send it: for JSON a browser would have to ask there first (CORS preflight). */
function send(to: string, answer: Readonly<Record<string, string>>): Promise<Response> {
  if (new URL(to).origin !== location.origin) {
    return fetch(to, { method: 'POST', body: new URLSearchParams(answer) });
  }
  return fetch(to, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(answer),
  });
}

function remembered(page: string): string | null {
  try {
    return localStorage.getItem(`portolan-useful:${page}`);
  } catch {
    return null;
  }
}

function mark(form: HTMLFormElement, value: string | null): void {
  for (const button of form.querySelectorAll('button')) {
    button.setAttribute('aria-pressed', String(button.value === value));
  }
}
