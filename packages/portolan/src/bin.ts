#!/usr/bin/env node
// The program's entry: hands the process's arguments and streams to main and sets the exit code.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { processIo } from './io.ts';
import { main } from './main.ts';
import { callOf } from './program.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// Not awaited at the top level: the program is bundled as CommonJS, which Node starts 8 ms sooner.
void main({
  args: process.argv.slice(2),
  io: processIo(),
  // Beside this file in the built program; passed in, because a bundled module cannot find its own data.
  shippedFacts: fileURLToPath(new URL('./facts/', import.meta.url)),
  bindChild: fileURLToPath(new URL('./bind-child.cjs', import.meta.url)),
  walkWorker: fileURLToPath(new URL('./walk-worker.cjs', import.meta.url)),
  version,
  call: () => callOf(fileURLToPath(import.meta.url), process.env),
}).then((code) => {
  process.exitCode = code;
});
