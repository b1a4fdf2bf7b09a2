// Text into HTML: a template tag that escapes every value unless it is markup of our own already.

/** Markup that was made here and needs no escaping. */
export class Markup {
  readonly html: string;

  constructor(html: string) {
    this.html = html;
  }
}

const SPECIAL = /[&<>"']/;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in an element and in a quoted attribute (HTML Living Standard s13.3). */
export function escapeHtml(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char) : text;
}

/** What a template may hold: text and numbers are escaped, markup is not, null is nothing. */
export type Piece = string | number | Markup | null | readonly Piece[];

function pieceHtml(piece: Piece): string {
  if (piece === null) return '';
  if (typeof piece === 'string') return escapeHtml(piece);
  if (typeof piece === 'number') return String(piece);
  if (piece instanceof Markup) return piece.html;
  let out = '';
  for (const part of piece) out += pieceHtml(part);
  return out;
}

/** Markup from a template; `h\`<b>${name}</b>\`` escapes `name`. */
export function h(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  let out = strings[0] ?? '';
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces[index] ?? null;
    out += typeof piece === 'string' ? escapeHtml(piece) : pieceHtml(piece);
    out += strings[index + 1] ?? '';
  }
  return new Markup(out);
}
