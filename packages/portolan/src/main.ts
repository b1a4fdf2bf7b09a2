// From arguments to an exit code: finds the command, reads its flags, runs it, and tells failures to the user.

import { statSync } from 'node:fs';
import {
  asciiText,
  exitCodeOf,
  LANGUAGES,
  loadTranslator,
  PortolanError,
  printable,
  type Translator,
  translator,
} from '@portolan/core';
import { dataDirectory } from '@portolan/facts/data-dir';
import { cacheDirectory } from './cache-dir.ts';
import type { CommandSpec, Context } from './command.ts';
import { COMMANDS, PORT_COMMAND } from './commands.ts';
import { failureText } from './failure-text.ts';
import { echo, type Flag, flagsOf, GLOBAL_FLAGS, type Parsed, parseFlags } from './flags.ts';
import { type Io, OutputClosed } from './io.ts';
import type { PrintedFile } from './printed.ts';

/** What the program is started with. */
export interface Start {
  readonly args: readonly string[];
  readonly io: Io;
  /** Folder of the shipped facts. */
  readonly shippedFacts: string;
  /** Program of the child process that tries binds. */
  readonly bindChild: string;
  /** Program of the thread that helps to walk descriptors. */
  readonly walkWorker: string;
  /** Read only when asked for: that takes as long as reading all the flags. */
  version(): string;
  /** How a shell calls this program again, for remedies. */
  call(): string;
}

/** Runs a command line; never throws for what a user can cause. */
export async function main(start: Start): Promise<number> {
  const io = showsUnicode(start.io.env) ? start.io : asciiErrors(start.io);
  try {
    return await dispatch({ ...start, io });
  } catch (error) {
    if (error instanceof OutputClosed) return 0;
    const told = error instanceof PortolanError ? error : withoutDescriptors(error);
    if (told !== null) {
      io.err(failureText(told, 'portolan: '));
      return exitCodeOf(told);
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.err(
      `portolan: this is a fault in Portolan, please report it with the lines below.\n${printable(text).replace(/\\n/g, '\n')}\n`,
    );
    return 70;
  }
}

/** Parts of the program are files as well, and are opened when they are needed; null for any other failure. */
function withoutDescriptors(error: unknown): PortolanError | null {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EMFILE' && code !== 'ENFILE') return null;
  return new PortolanError('NO_DESCRIPTORS', `The system gives no more open files (${code}).`, {
    hint:
      code === 'EMFILE'
        ? 'The limit of this shell is “ulimit -n”; raise it, for example: ulimit -n 1024'
        : 'The limit of the whole machine is in /proc/sys/fs/file-max.',
    cause: error,
  });
}

async function dispatch(start: Start): Promise<number> {
  const { io } = start;
  // Scripts of completion call this; it is no command of anybody's and stands in no help.
  if (start.args[0] === 'complete' && start.args[1] === '--') {
    const { complete } = await import('./completion/complete.ts');
    return await complete(start.args.slice(2), start);
  }
  const args = withoutHelpWord(start.args);
  const list = await COMMANDS['list']?.spec();
  const first = firstWord(args, [...GLOBAL_FLAGS, ...(list?.flags ?? [])]);
  const named = first !== null && first.word !== PORT_COMMAND && Object.hasOwn(COMMANDS, first.word);
  // Without a word there is nothing to report on, so everything is listed, with the flags of list.
  const name = first === null ? 'list' : named ? first.word : PORT_COMMAND;
  const rest = named ? args.filter((_, index) => index !== first.index) : args;
  const entry = COMMANDS[name];
  if (entry === undefined) throw new Error(`no command ${name}`);
  const spec = await entry.spec();
  const parsed = parseFlags(rest, flagsOf(spec.flags));
  if (parsed.switches.has('version')) {
    io.out(`portolan ${start.version()}\n`);
    return 0;
  }
  if (parsed.switches.has('help')) {
    const { checkTopic, helpText } = await import('./help.ts');
    if (first !== null && !named) checkTopic(first.word, start.args[0] === 'help');
    const text = await helpText(first === null ? null : name);
    io.out(showsUnicode(io.env) ? text : asciiText(text));
    return 0;
  }
  const snapshot = parsed.values.get('snapshot');
  if (snapshot !== undefined && spec.fromSnapshot !== true) {
    const { refuseSnapshot } = await import('./snapshot-refused.ts');
    refuseSnapshot(name, snapshot);
  }
  const hosts = parsed.values.get('host');
  if (hosts !== undefined && spec.fromSnapshot !== true) {
    const { refuseHost } = await import('./snapshot-refused.ts');
    refuseHost(name);
  }
  const procRoot = parsed.values.get('procfs-root');
  if (procRoot !== undefined) {
    if (spec.looksAtNoHost === true) {
      const { refuseProcRoot } = await import('./snapshot-refused.ts');
      refuseProcRoot(name);
    }
    // Before anything is done, for not every command looks at once, and some keep what they opened for long.
    checkProcRoot(procRoot);
  }
  const run = await entry.run();
  const lang = await language(parsed, spec);
  if (hosts === undefined) return run(context(start, parsed, lang));
  const { runOnHosts } = await import('./remote/run.ts');
  return runOnHosts(hosts, {
    io,
    parsed,
    run,
    call: () => start.call(),
    context: (own, host, look) => {
      const values = new Map([...parsed.values, ['host', host]]);
      return context({ ...start, io: own }, { ...parsed, values }, lang, look);
    },
  });
}

/** `help` and `help NAME` are what people type for `--help` and `NAME --help`. */
function withoutHelpWord(args: readonly string[]): readonly string[] {
  return args[0] === 'help' ? [...args.slice(1), '--help'] : args;
}

/** First argument that is neither a flag nor a flag's value. */
function firstWord(args: readonly string[], flags: readonly Flag[]): { word: string; index: number } | null {
  const takesValue = new Set(flags.filter((flag) => flag.value !== null).map((flag) => `--${flag.name}`));
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    if (word === '--')
      return args[index + 1] === undefined ? null : { word: args[index + 1] ?? '', index: index + 1 };
    if (takesValue.has(word)) index++;
    else if (!/^-\D/.test(word)) return { word, index };
  }
  return null;
}

/** English is at hand; any other language is a file of its own that is read now. */
async function language(parsed: Parsed, spec: CommandSpec): Promise<Translator> {
  const asked = parsed.values.get('lang') ?? 'en';
  // A command whose own flag names languages of its work judges them itself, and is spoken of in the first of ours.
  const own = spec.flags.some(({ name }) => name === 'lang');
  const tag = own
    ? (asked
        .split(',')
        .find((part) => LANGUAGES.includes(part.trim()))
        ?.trim() ?? 'en')
    : asked;
  if (!LANGUAGES.includes(tag)) {
    throw new PortolanError('USAGE', `There is no language “${echo(tag)}” here.`, {
      hint: `Languages: ${LANGUAGES.join(', ')}.`,
    });
  }
  return tag === 'en' ? translator('en') : loadTranslator(tag, 'program');
}

/** `remote` looks at another host. */
function context(start: Start, parsed: Parsed, lang: Translator, remote?: Context['look']): Context {
  const { io } = start;
  const procRoot = parsed.values.get('procfs-root');
  const noFfi = parsed.switches.has('no-ffi');
  const noBpf = parsed.switches.has('no-bpf');
  const printedPath = parsed.values.get('snapshot');
  if (printedPath !== undefined && procRoot !== undefined) {
    throw new PortolanError('USAGE', '--snapshot and --procfs-root are two recorded hosts; name one.');
  }
  /** What a tool printed, read once however often it is looked at. */
  let printed: PrintedFile | null = null;
  let dataDir: string | null = null;
  const self: Context = {
    io,
    args: parsed,
    lang,
    json: parsed.switches.has('json'),
    color: wantsColor(parsed.values.get('color'), io),
    unicode: showsUnicode(io.env),
    shippedFacts: start.shippedFacts,
    bindChild: start.bindChild,
    get version() {
      return start.version();
    },
    call: () => start.call(),
    host: remote === undefined ? null : (parsed.values.get('host') ?? null),
    get dataDir() {
      dataDir ??= dataDirectory(io.env);
      return dataDir;
    },
    async facts(whole) {
      const { openFacts } = await import('@portolan/facts');
      return openFacts({ shipped: start.shippedFacts, dataDir: self.dataDir, whole });
    },
    async look(request) {
      if (remote !== undefined) return remote(request);
      const namespaces = request.namespaces !== false && !parsed.switches.has('here');
      if (printedPath !== undefined) {
        const { printedSnapshot, readPrintedFile } = await import('./printed.ts');
        printed ??= readPrintedFile(printedPath, await self.facts(false), null);
        if (printed.reading.formats.length === 0) {
          throw new PortolanError('USAGE', `--snapshot: nothing in ${echo(printedPath)} was understood.`, {
            hint: 'portolan read FILE tells what is wrong with each line.',
          });
        }
        return printedSnapshot(printed, printedPath, { ...request, namespaces });
      }
      const { snapshot } = await import('@portolan/probe');
      return snapshot({
        ...request,
        ...(procRoot === undefined ? {} : { procRoot }),
        ffi: !noFfi,
        bpf: !noBpf,
        walkWorker: start.walkWorker,
        namespaces,
        cacheDir: cacheDirectory(io.env, process.geteuid?.()),
        call: () => start.call(),
      });
    },
    async watch(request) {
      if (procRoot !== undefined) {
        throw new PortolanError(
          'USAGE',
          'A recorded copy of /proc does not change: watch takes no --procfs-root.',
        );
      }
      const { watch } = await import('@portolan/probe');
      return watch({ ...request, ffi: !noFfi, call: () => start.call() });
    },
  };
  return self;
}

function checkProcRoot(folder: string): void {
  let found = false;
  try {
    found = statSync(folder).isDirectory();
  } catch {
    // Absent, too long, a loop of links: no folder in any case.
  }
  if (!found) {
    throw new PortolanError('USAGE', `--procfs-root: ${echo(folder)} is not a folder.`, {
      hint: 'It should hold net/tcp, net/udp, sys/net/ipv4 and the process folders of a /proc.',
    });
  }
}

function wantsColor(when: string | undefined, io: Io): boolean {
  switch (when ?? 'auto') {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'auto':
      return io.stdoutIsTerminal && (io.env['NO_COLOR'] ?? '') === '' && io.env['TERM'] !== 'dumb';
    default:
      throw new PortolanError('USAGE', `--color takes auto, always or never, not “${echo(when ?? '')}”.`);
  }
}

/** Standard error carries words of ours alone; standard output may be JSON, and sees to itself. */
function asciiErrors(io: Io): Io {
  return { ...io, err: (text) => io.err(asciiText(text)) };
}

/** Only a locale that says so is taken at its word; one that says nothing is most often a container with UTF-8. */
function showsUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return locale === '' || /utf-?8/i.test(locale);
}
