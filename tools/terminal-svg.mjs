// A terminal's text with its colours as an SVG picture.

const COLUMN = 8.4;
const LINE = 19;
const MARGIN = 16;
const BAR = 30;
/** Select Graphic Rendition (ECMA-48 s8.3.117), the few that Portolan uses, and how they look here. */
const COLOURS = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 34: '#79c0ff', 35: '#ff7bdf', 36: '#76e3ea' };
const BACKGROUND = '#0d1117';
const PLAIN = '#e6edf3';
const DIM = '#8b949e';

/** The picture of this text, so many columns wide; throws at a control sequence that it does not know. */
export function terminalSvg(text, columns, title) {
  const lines = text.replace(/\n$/, '').split('\n');
  const width = Math.ceil(columns * COLUMN + 2 * MARGIN);
  const height = BAR + lines.length * LINE + MARGIN;
  let style = {};
  const body = lines.map((line, row) => {
    let column = 0;
    const spans = [];
    for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
      if (/^\u001b\[[0-9;]*m$/.test(part)) {
        style = part.slice(2, -1).split(';').reduce(styled, style);
        continue;
      }
      if (/[\u0000-\u001f\u007f]/.test(part))
        throw new Error(`control characters in ${JSON.stringify(part)}`);
      // Each word has its own place, so that any font keeps the columns.
      for (const [piece] of part.matchAll(/\S+(?: \S+)*|\s+/g)) {
        const length = [...piece].length;
        if (piece.trim() !== '') spans.push(span(piece, column, length, style));
        column += length;
      }
    }
    return spans.length === 0 ? '' : `<text y="${BAR + (row + 0.75) * LINE}">${spans.join('')}</text>\n`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map(
      (colour, place) => `<circle cx="${MARGIN + 6 + place * 18}" cy="16" r="5.5" fill="${colour}"/>`,
    ),
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${PLAIN}">`,
    `${body.join('')}</g>`,
    '</svg>',
    '',
  ].join('\n');
}

function styled(style, code) {
  const number = Number(code);
  if (number === 0) return {};
  if (number === 1) return { ...style, bold: true };
  if (number === 2) return { ...style, dim: true };
  if (number === 4) return { ...style, underline: true };
  if (number === 22) return { ...style, bold: false, dim: false };
  if (number === 24) return { ...style, underline: false };
  if (number === 39) return { ...style, colour: undefined };
  if (COLOURS[number] !== undefined) return { ...style, colour: COLOURS[number] };
  throw new Error(`a colour that is not known here: ${code}`);
}

function span(text, column, length, { bold, dim, underline, colour }) {
  const fill = colour ?? (dim ? DIM : null);
  const attributes = [
    `x="${(MARGIN + column * COLUMN).toFixed(1)}"`,
    `textLength="${(length * COLUMN).toFixed(1)}"`,
    ...(fill === null ? [] : [`fill="${fill}"`]),
    ...(bold ? ['font-weight="bold"'] : []),
    ...(underline ? ['text-decoration="underline"'] : []),
  ];
  return `<tspan ${attributes.join(' ')}>${escaped(text)}</tspan>`;
}

function escaped(text) {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
