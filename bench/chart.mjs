// Measures the chart of all ports in a browser: intervals between frames while it is dragged and zoomed, at device pixel
// ratios 1 and 2, and what a keystroke of the search costs. Prints JSON; asserts nothing, for machines differ.
//
//   node bench/chart.mjs [file of Chromium]
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const BIN = join(import.meta.dirname, '..', 'packages', 'portolan', 'dist', 'bin.cjs');
const executablePath = process.argv[2] ?? '/usr/bin/chromium';

const port = await new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port: free } = server.address();
    server.close(() => done(free));
  });
});
const serve = spawn(process.execPath, [BIN, 'serve', '--port', String(port)], {
  stdio: ['ignore', 'pipe', 2],
});
const base = await new Promise((done) => {
  createInterface({ input: serve.stdout }).once('line', (line) => done(line.replace(/\/$/, '')));
});
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });

/** Intervals between frames while `act` goes on. */
async function frames(page, act) {
  await page.evaluate(() => {
    globalThis.intervals = [];
    let last = 0;
    const tick = (now) => {
      if (last > 0) globalThis.intervals.push(now - last);
      last = now;
      globalThis.ticking = requestAnimationFrame(tick);
    };
    globalThis.ticking = requestAnimationFrame(tick);
  });
  await act();
  return summary(
    await page.evaluate(() => {
      cancelAnimationFrame(globalThis.ticking);
      return globalThis.intervals;
    }),
  );
}

function summary(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 100) / 100;
  return { count: sorted.length, median: at(0.5), p95: at(0.95), most: at(1) };
}

/** Moves like a hand, a step before each frame, from within the page: what the protocol sends arrives less often. */
async function drag(page, x, y, steps) {
  await page.evaluate(
    async ([startX, startY, count]) => {
      const box = document.querySelector('[role=slider]');
      // A pointer that was made here cannot be captured, and need not be.
      box.setPointerCapture = () => undefined;
      const send = (type, dx, dy) => {
        box.dispatchEvent(
          new PointerEvent(type, {
            pointerId: 1,
            pointerType: 'mouse',
            button: 0,
            clientX: startX + dx,
            clientY: startY + dy,
          }),
        );
      };
      send('pointerdown', 0, 0);
      for (let step = 1; step <= count; step++) {
        await new Promise(requestAnimationFrame);
        send('pointermove', -6 * step, Math.round(20 * Math.sin(step / 8)));
      }
      send('pointerup', -6 * count, 0);
    },
    [x, y, steps],
  );
}

const result = {};
for (const deviceScaleFactor of [1, 2]) {
  const page = await browser.newPage({ viewport: { width: 1360, height: 1000 }, deviceScaleFactor });
  const view = async (zoom) => {
    await page.goto('about:blank');
    await page.goto(`${base}/en/#port=5173&zoom=${zoom}&at=5173`);
    await page.waitForSelector('[role=slider][aria-valuetext]');
    await page.waitForTimeout(1200);
  };
  await view(1);
  const measured = { idle: await frames(page, () => page.waitForTimeout(1000)) };
  measured.hover = await frames(page, async () => {
    for (let step = 0; step < 90; step++) {
      await page.mouse.move(250 + step * 8, 420 + (step % 9) * 5);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  });
  for (const zoom of [4, 24, 85]) {
    await view(zoom);
    const before = page.url();
    measured[`pan at ${zoom}`] = await frames(page, () => drag(page, 1000, 600, 90));
    await page.waitForTimeout(600);
    if (page.url() === before) throw new Error('the chart did not move');
  }
  await view(1);
  await page.mouse.move(700, 500);
  measured.zoom = await frames(page, async () => {
    for (let step = 0; step < 60; step++) {
      await page.mouse.wheel(0, -40);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  });
  result[`dpr ${deviceScaleFactor}, ms between frames`] = measured;
  await page.close();
}
const page = await browser.newPage({ viewport: { width: 1360, height: 1000 } });
await page.goto(`${base}/en/`);
await page.focus('.find input');
await page.waitForSelector('.find input[role=combobox]');
await page.waitForTimeout(500);
result['keystroke, ms to a list that is laid out'] = summary(
  await page.evaluate(() => {
    const field = document.querySelector('.find input');
    const times = [];
    for (const word of ['8080', '53/udp', 'postgresql', 'apple xsan', 'http', 'zzzz', 'microsoft sql']) {
      for (let end = 1; end <= word.length; end++) {
        field.value = word.slice(0, end);
        const start = performance.now();
        field.dispatchEvent(new Event('input', { bubbles: true }));
        document.querySelector('#found')?.getBoundingClientRect();
        times.push(performance.now() - start);
      }
    }
    return times;
  }),
);
await browser.close();
serve.kill();
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
