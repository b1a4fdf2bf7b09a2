// The range ruler as inline SVG: two layers, so that geometry stretches with the page and type does not.
import { say } from '../../model/message.ts';
import { IANA_RANGES, PORT_MAX } from '../../model/port.ts';
import type { RulerModel } from '../../view/tree.ts';
import type { PageEnv } from './env.ts';
import { h, Markup } from './escape.ts';

const PORTS = PORT_MAX + 1;
/** Width of the stretched drawing in its own units. */
const WIDTH = 1000;
/** Ports between two changes of the scale's black and white. */
const STEP = 4096;

/** Height of what stands above the bands: the needle's head and number. */
const HEADROOM = 20;

const x = (port: number): number => Math.round((port / PORTS) * WIDTH * 10) / 10;
const percent = (port: number): string => `${((port / PORTS) * 100).toFixed(2)}%`;

/** The part that is the same for every port. */
const BANDS = IANA_RANGES.map(
  ({ name, first, last }) =>
    `<rect class="r-${name}" x="${x(first)}" width="${round(x(last + 1) - x(first))}" height="22"/>`,
).join('');
const SCALE = `<path class="r-scale" d="${Array.from({ length: PORTS / STEP / 2 }, (_, index) => `M${x(index * 2 * STEP)} 46h${WIDTH / (PORTS / STEP)}v4h-${WIDTH / (PORTS / STEP)}z`).join('')}"/><path class="r-frame" d="M0 46h${WIDTH}M0 50h${WIDTH}"/>`;
const AXIS = [0, 8192, 16_384, 24_576, 32_768, 40_960, 49_152, 57_344, PORT_MAX]
  .map((port, index, all) => {
    const anchor = index === 0 ? 'start' : index === all.length - 1 ? 'end' : 'middle';
    const odd = index % 2 === 1 ? ' class="r-axis odd"' : ' class="r-axis"';
    return `<text${odd} x="${percent(port)}" y="104" text-anchor="${anchor}">${port}</text>`;
  })
  .join('');

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The ruler of a port, or of a host where `needle` is null. */
export function rulerSvg(model: RulerModel, env: PageEnv, needle: boolean): Markup {
  const { lang } = env;
  let drawing = BANDS;
  // The label of the range that the needle crosses stands beside it.
  const userAt = needle && model.port >= 1024 && model.port < 12_000 ? 14_000 : 1024;
  let words = `<text x="${percent(userAt)}" dx="7" y="45">${text(lang.say(say('ruler.user')), env)}</text><text class="r-long" x="75%" dx="7" y="45">${text(lang.say(say('ruler.dynamic')), env)}</text>`;
  if (model.ephemeral !== null) {
    const [first, last] = model.ephemeral;
    drawing += `<rect class="r-ephemeral" x="${x(first)}" y="24" width="${round(x(last + 1) - x(first))}" height="20"/>`;
    for (const [from, to] of model.reserved) {
      drawing += `<rect class="r-reserved" x="${x(from)}" y="24" width="${Math.max(1.2, round(x(to + 1) - x(from)))}" height="20"/>`;
    }
    words += `<text class="r-here" x="${percent(first)}" dx="8" y="68">${text(lang.say(say('ruler.ephemeral', { first, last })), env)}</text>`;
  }
  drawing += SCALE;
  const inUse = model.inUse ?? [];
  if (inUse.length > 0) {
    const at = new Set(inUse.map((port) => Math.round(x(port))));
    drawing += `<path class="r-use" d="${[...at].map((column) => `M${column} 52v9`).join('')}"/>`;
  }
  const share = (model.port / PORTS) * 100;
  const anchor = share < 4 ? 'start' : share > 96 ? 'end' : 'middle';
  const mark = needle
    ? `<svg x="${percent(model.port)}" overflow="visible" class="r-needle"><path d="M0 26v54"/><path class="r-head" d="M-5 19h10l-5 8z"/><text y="14" text-anchor="${anchor}">${model.port}</text></svg>`
    : '';
  // Without a needle nothing stands above the bands.
  const up = needle ? 0 : HEADROOM;
  const svg = `<svg y="29" height="64" width="100%" viewBox="0 0 ${WIDTH} 64" preserveAspectRatio="none">${drawing}</svg>${words}${AXIS}${mark}`;
  const drawn = up === 0 ? svg : `<svg y="-${up}" width="100%" height="108">${svg}</svg>`;
  return h`<div class="ruler-box" dir="ltr"><svg class="ruler" height="${108 - up}" width="100%" role="img" aria-label="${lang.say(model.label)}">${new Markup(drawn)}</svg></div>`;
}

function text(words: string, env: PageEnv): string {
  return h`${env.dir === 'rtl' ? `\u2067${words}\u2069` : words}`.html;
}
