#!/usr/bin/env node
// `npm start -- ARGS`: sets up what is stale, then is the built program.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, setUp } from './setup.mjs';

await setUp();
// npm starts scripts in the project's folder; the user's paths are meant from where the user stands.
if (process.env.INIT_CWD !== undefined) process.chdir(process.env.INIT_CWD);
await import(pathToFileURL(join(ROOT, 'packages', 'portolan', 'dist', 'bin.cjs')).href);
