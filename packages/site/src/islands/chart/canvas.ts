// The chart on its canvas: keeps what is shown, and draws a frame when something changed and never else.
import type { ChartWords } from '@portolan/core/web';
import type { PortNames } from '../../formats/names.ts';
import { bake } from './bake.ts';
import { clamped, layoutFor, portAt, revealing, type View, WHOLE } from './layout.ts';
import { paintCursor, paintFrame } from './paint-frame.ts';
import { paintHere } from './paint-here.ts';
import { paintPorts } from './paint-ports.ts';
import { readPalette } from './palette.ts';
import type { Layer, Scene } from './scene.ts';
import type { Here } from './words.ts';

/** Sharpest that a canvas is drawn at: at rest, and while it moves. */
const SHARP = { still: 3, moving: 1.5 };
/** After so long without a move the canvas is at rest. */
const REST_MS = 160;
/** How long it takes to get to a place. */
const GLIDE_MS = 240;

/** A chart that was drawn. */
export class ChartCanvas {
  readonly canvas: HTMLCanvasElement = document.createElement('canvas');
  /** Told whenever cursor, view or what is known has changed. */
  onChange: () => void = () => undefined;
  readonly #context: CanvasRenderingContext2D;
  readonly #box: HTMLElement;
  #scene: Scene;
  #asked = false;
  #moving = false;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #glide = 0;

  /** Throws where the browser has no canvas. */
  constructor(box: HTMLElement, words: ChartWords, flags: Uint8Array) {
    const context = this.canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('no canvas');
    this.#context = context;
    this.#box = box;
    const layout = layoutFor(box.clientWidth);
    const palette = readPalette();
    const hidden = new Set<Layer>();
    const baked = bake(flags, layout.columns, palette, hidden);
    const names = new Map<number, PortNames>();
    const view = WHOLE;
    this.#scene = { layout, palette, hidden, baked, names, view, words, flags, here: null, cursor: 0 };
    this.canvas.setAttribute('aria-hidden', 'true');
    this.resize();
  }

  get scene(): Scene {
    return this.#scene;
  }

  /** Takes the size of its box and the colours of now. */
  resize(): void {
    const { flags, hidden, layout: before, view } = this.#scene;
    const layout = layoutFor(this.#box.clientWidth);
    const palette = readPalette();
    // Folded otherwise, a place on the canvas is another port.
    const kept = layout.columns === before.columns ? clamped(layout, view) : WHOLE;
    const baked = bake(flags, layout.columns, palette, hidden);
    this.#scene = { ...this.#scene, layout, palette, baked, view: kept };
    this.canvas.style.height = `${layout.height}px`;
    this.#fit();
    this.#changed();
  }

  /** Shows or hides a layer. */
  show(layer: Layer, shown: boolean): void {
    const hidden = new Set(this.#scene.hidden);
    if (shown) hidden.delete(layer);
    else hidden.add(layer);
    const { flags, layout, palette } = this.#scene;
    this.#scene = { ...this.#scene, hidden, baked: bake(flags, layout.columns, palette, hidden) };
    this.#changed();
  }

  /** Takes names, or what is in use. */
  learn(what: { readonly names: Scene['names'] } | { readonly here: Here | null }): void {
    this.#scene = { ...this.#scene, ...what };
    this.#changed();
  }

  /** Puts the cursor on a port, and moves no further than it takes to see it unless it was pointed at. */
  point(port: number, pointed = false): void {
    const { layout, view } = this.#scene;
    this.#scene = { ...this.#scene, cursor: port };
    if (!pointed) this.move(revealing(layout, view, port));
    this.#changed();
  }

  /** Shows another part at once. */
  move(view: View): void {
    cancelAnimationFrame(this.#glide);
    this.#set(view);
  }

  /** Goes to another part, unless the reader wants nothing to move. */
  glide(view: View): void {
    cancelAnimationFrame(this.#glide);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.#set(view);
      return;
    }
    const from = this.#scene.view;
    const to = clamped(this.#scene.layout, view);
    const start = performance.now();
    const step = (now: number): void => {
      const part = Math.min(1, Math.max(0, (now - start) / GLIDE_MS));
      const eased = 1 - (1 - part) ** 3;
      const between = (a: number, b: number): number => a + (b - a) * eased;
      this.#set({
        zoom: from.zoom * (to.zoom / from.zoom) ** eased,
        left: between(from.left, to.left),
        top: between(from.top, to.top),
      });
      if (part < 1) this.#glide = requestAnimationFrame(step);
      else this.#set(to);
    };
    this.#glide = requestAnimationFrame(step);
  }

  /** The port at the middle of what is seen. */
  middle(): number | null {
    const { layout, view } = this.#scene;
    const { plot } = layout;
    return portAt(layout, view, plot.x + plot.width / 2, plot.y + plot.height / 2);
  }

  /** Draws now; frames are drawn by themselves. */
  draw(): void {
    const context = this.#context;
    const scene = this.#scene;
    const { layout, palette } = scene;
    const sharp = this.canvas.width / layout.width;
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.fillStyle = palette.sheet;
    context.fillRect(0, 0, layout.width, layout.height);
    context.save();
    context.beginPath();
    context.rect(layout.plot.x, layout.plot.y, layout.plot.width, layout.plot.height);
    context.clip();
    paintPorts(context, scene);
    paintHere(context, scene);
    paintCursor(context, scene);
    context.restore();
    paintFrame(context, scene);
  }

  #set(view: View): void {
    const { layout, view: before } = this.#scene;
    const next = clamped(layout, view);
    if (next.zoom === before.zoom && next.left === before.left && next.top === before.top) return;
    this.#scene = { ...this.#scene, view: next };
    this.#moving = true;
    this.#fit();
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      this.#moving = false;
      this.#fit();
      this.#changed();
    }, REST_MS);
    this.#changed();
  }

  /** Gives the canvas as many pixels as it may have now. */
  #fit(): void {
    const { width, height } = this.#scene.layout;
    const sharp = Math.min(devicePixelRatio, this.#moving ? SHARP.moving : SHARP.still);
    const wide = Math.round(width * sharp);
    if (this.canvas.width === wide) {
      const tall = Math.round(height * sharp);
      if (this.canvas.height !== tall) this.canvas.height = tall;
      return;
    }
    this.canvas.width = wide;
    this.canvas.height = Math.round(height * sharp);
  }

  #changed(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.draw();
      this.onChange();
    });
  }
}
