// The style sheet of the pages: its parts one after another, and the colours of day and night from one table.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup.mjs';

const FOLDER = join(ROOT, 'packages', 'site', 'src', 'assets', 'style');

const PALETTE = 'palette.json';

/** The parts in the order in which they overrule each other. */
const PARTS = [
  'type.css',
  PALETTE,
  'frame.css',
  'text.css',
  'port.css',
  'here.css',
  'chart.css',
  'lookup.css',
  'ways.css',
];

const HEAD =
  '/* The look of the pages: a sea chart as a method. Magenta means disagreement or in use here, and nothing else. */';

/** The one style sheet that is served. Throws where a part lies beside the others and is not named. */
export function styleSheet() {
  const unnamed = readdirSync(FOLDER).filter((name) => !PARTS.includes(name));
  if (unnamed.length > 0) throw new Error(`tools/style.mjs does not name ${unnamed.join(', ')}`);
  const parts = PARTS.map((name) => {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    return name === PALETTE ? paletteCss(JSON.parse(text)) : text;
  });
  return [HEAD, ...parts].join('\n');
}

/** Day for all; night where the system asks for it and nobody chose the day, and where it was chosen. Paper is day. */
function paletteCss(palette) {
  const colours = (time) =>
    [
      ...Object.entries(palette).map(([name, colour]) => `--${name}: ${colour[time]};`),
      `color-scheme: ${time === 'day' ? 'light' : 'dark'};`,
    ].join(' ');
  return `/* Colours by day and by night, made from palette.json */
:root { ${colours('day')} }
@media screen and (prefers-color-scheme: dark) { :root:not([data-theme="day"]) { ${colours('night')} } }
@media screen { :root[data-theme="night"] { ${colours('night')} } }
`;
}
