#!/usr/bin/env node
// The program's entry: hands the process's arguments and streams to main and sets the exit code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processIo } from './io.ts';
import { main } from './main.ts';
import { callOf } from './program.ts';

// Not awaited at the top level: the program is bundled as CommonJS, which Node starts 8 ms sooner.
void main({
  args: process.argv.slice(2),
  io: processIo(),
  // Beside this file in the built program; passed in, because a bundled module cannot find its own data.
  shippedFacts: join(import.meta.dirname, 'facts'),
  bindChild: join(import.meta.dirname, 'bind-child.cjs'),
  walkWorker: join(import.meta.dirname, 'walk-worker.cjs'),
  version() {
    const text = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8');
    return (JSON.parse(text) as { version: string }).version;
  },
  call: () => callOf(import.meta.filename, process.env),
}).then((code) => {
  process.exitCode = code;
});
