// Gathers fixed ports: reads the files and hands their texts to the parsers; what cannot be read becomes a gap.
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import {
  type FixedPort,
  type Gap,
  type GapCode,
  type Place,
  PortolanError,
  type PortRange,
} from '@portolan/core';
import { echo } from '../flags.ts';
import { readCompose } from './parse/compose.ts';
import { readDevcontainer } from './parse/devcontainer.ts';
import { readEnv, settingsOf } from './parse/env.ts';
import type { Setting, Settings } from './parse/interpolate.ts';
import { readKubernetes } from './parse/kubernetes.ts';
import { readPackageJson } from './parse/package-json.ts';
import { readProcfile } from './parse/procfile.ts';
import { readProfile } from './parse/profile.ts';
import { type FileKind, kindByContent, kindByName, PROJECT_FILES } from './parse/recognise.ts';
import { environmentFiles, readUnit, type Unit } from './parse/systemd.ts';
import { type Fault, type Parsed, TextFile } from './parse/text-file.ts';
import { LINES_LIMIT, readFileText, underRoot, WHOLE_LIMIT } from './read-file.ts';
import { dropInsBeside, findUnits } from './units.ts';

/** Kinds of files whose lines stand alone, so that the start of a huge one still says something. */
const BY_LINES: ReadonlySet<FileKind> = new Set(['env', 'procfile', 'systemd', 'fsports']);

/** Faults told of one file, one by one. */
const FAULTS_TOLD = 100;

const NO_SETTINGS: Settings = new Map();

/** How a compose file is read: with what is merged over it, and with which variables (null: those beside it). */
interface Merged {
  readonly over: readonly string[];
  readonly settings: Settings | null;
}

const ALONE: Merged = { over: [], settings: null };

/** Collects fixed ports and gaps from files. */
export class Gathering {
  readonly fixed: FixedPort[] = [];
  readonly nodePorts: { ports: PortRange; place: Place | null }[] = [];
  readonly gaps: Gap[] = [];
  readonly files: string[] = [];
  readonly profiles: string[] = [];
  /** An fsports file that was named, to be read as Xsan's. */
  fsports: string | null = null;
  units: number | null = null;
  readonly #cwd: string;
  readonly #root: string;
  /** Gaps that are told already. */
  readonly #told = new Set<string>();
  readonly #seen = new Set<string>();
  /** Real paths of files that are asked for, read or not yet. */
  readonly #asked = new Set<string>();

  /** `root` is the root of the system whose units are read, `cwd` what shown paths are relative to. */
  constructor(cwd: string, root: string) {
    this.#cwd = cwd;
    this.#root = root;
  }

  /** A path as it is shown: relative where it is below the current folder. */
  shown(path: string): string {
    const inside = relative(this.#cwd, path);
    return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? path : inside;
  }

  /** The well-known files of a project's folder. */
  project(folder: string): void {
    const several = listed(join(folder, '.devcontainer')).map(
      (name) => `.devcontainer/${name}/devcontainer.json`,
    );
    const paths = [...PROJECT_FILES, ...several].map((name) => join(folder, name)).filter(isFile);
    for (const path of paths) this.#asked.add(realpathOf(path));
    for (const path of paths) this.#file(path, kindByName(path));
  }

  /** Files and folders of projects that were named. Throws USAGE where there is none. */
  named(...words: readonly string[]): void {
    for (const argument of words) this.#asked.add(realpathOf(resolve(this.#cwd, argument)));
    for (const argument of words) this.#named(argument);
  }

  #named(argument: string): void {
    const path = resolve(this.#cwd, argument);
    let folder = false;
    try {
      folder = statSync(path).isDirectory();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') {
        throw new PortolanError('USAGE', `There is no file ${echo(argument)}.`, {
          hint: 'audit takes files and folders of projects; see portolan audit --help.',
        });
      }
      this.gap('audit-unreadable', { file: this.shown(path), reason: code });
      return;
    }
    if (folder) this.project(path);
    else this.#file(path, kindByName(path));
  }

  /** Every unit of the system. */
  systemd(): void {
    const units = findUnits(this.#root);
    if (units === null) return;
    this.units = units.length;
    for (const { name, paths, enabled } of units) this.#unit(name, paths, enabled);
  }

  /** A gap about a file. */
  gap(code: GapCode, values: Gap['values']): void {
    const key = JSON.stringify([code, values]);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.gaps.push({ code, values, remedy: null, coversUse: false, transports: [] });
  }

  /** Reads a file as text; a gap where it cannot be read, or only its start. */
  text(path: string, limit: number, whole: boolean, project: string | null): TextFile | null {
    const shown = this.shown(path);
    const read = readFileText(path, limit);
    if (!read.ok) {
      this.gap('audit-unreadable', { file: shown, reason: read.reason });
      return null;
    }
    if (read.read < read.size) {
      this.gap('audit-large', { file: shown, size: read.size, read: whole ? 0 : read.read });
      if (whole) return null;
    }
    return new TextFile(shown, read.text, project);
  }

  #file(path: string, named: FileKind | null, merged: Merged = ALONE): void {
    const real = realpathOf(path);
    if (this.#seen.has(real)) return;
    this.#seen.add(real);
    const lines = named !== null && BY_LINES.has(named);
    // The folder of a devcontainer is one of the project's own.
    const project = dirname(real).replace(/\/\.devcontainer(?:\/[^/]+)?$/, '');
    const file = this.text(path, lines ? LINES_LIMIT : WHOLE_LIMIT, !lines, project);
    if (file === null) return;
    // A file called compose.yaml may be a manifest all the same; names that can be only one thing are believed.
    const kind = named ?? kindByContent(file.text);
    if (kind === null) {
      this.gap('audit-unrecognised', { file: file.file });
      return;
    }
    this.files.push(file.file);
    this.#read(file, path, kind, merged);
  }

  #read(file: TextFile, path: string, kind: FileKind, merged: Merged): void {
    switch (kind) {
      case 'compose':
        this.#compose(file, path, merged);
        return;
      case 'kubernetes': {
        const parsed = readKubernetes(file);
        this.nodePorts.push(...parsed.nodePorts);
        this.#take(file, parsed);
        return;
      }
      case 'systemd':
        this.#unit(path.split('/').at(-1) ?? path, [path, ...dropInsBeside(path)], null);
        return;
      case 'procfile':
        this.#take(file, readProcfile(file));
        return;
      case 'package-json':
        this.#take(file, readPackageJson(file));
        return;
      case 'env':
        this.#take(file, readEnv(file));
        return;
      case 'devcontainer': {
        const parsed = readDevcontainer(file);
        this.#take(file, parsed);
        const [first] = parsed.composeFiles;
        const paths = parsed.composeFiles.map((named) => named.path);
        if (first !== undefined) this.#together(file, dirname(path), paths, first.line, ALONE);
        return;
      }
      case 'profile': {
        const { name, parsed } = readProfile(file);
        this.profiles.push(name);
        this.#take(file, parsed);
        return;
      }
      case 'fsports':
        this.fsports = path;
        return;
    }
  }

  /** Compose files that are merged, each over those before it. */
  #together(from: TextFile, base: string, words: readonly string[], line: number, merged: Merged): void {
    const paths = words.map((written) => resolve(base, written));
    paths.forEach((path, index) => {
      if (isFile(path))
        this.#file(path, 'compose', { ...merged, over: paths.slice(index + 1).filter(isFile) });
      else {
        const reason = `${(words[index] ?? '').slice(0, 100)} cannot be read`;
        this.gap('audit-broken', { file: from.file, line, reason });
      }
    });
  }

  #compose(file: TextFile, path: string, { over, settings: given }: Merged): void {
    const folder = dirname(path);
    const settings = given ?? this.#environment([join(folder, '.env')], NO_SETTINGS);
    const other = (there: string): TextFile | null =>
      this.text(there, WHOLE_LIMIT, true, dirname(realpathOf(there)));
    const parsed = readCompose(file, {
      settings,
      other: (written, from) => {
        // Paths are relative to the file that names them.
        const there = resolve(from.project ?? folder, written);
        return isFile(there) ? other(there) : null;
      },
      overrides: [...this.#overridesOf(path), ...over].map(other).filter((one) => one !== null),
    });
    this.#take(file, parsed);
    for (const { paths, envFiles, folder: base, line } of parsed.includes) {
      const home = resolve(folder, base ?? dirname(paths[0] ?? ''));
      const files = envFiles?.map((name) => resolve(folder, name)) ?? [join(home, '.env')];
      // The including project has the last word on a variable.
      this.#together(file, folder, paths, line, { over: [], settings: this.#environment(files, settings) });
    }
  }

  /** The file that Compose merges over this one by its name, where it is asked for as well. */
  #overridesOf(path: string): string[] {
    const [, stem] = /^(.*\/(?:docker-)?compose)\.ya?ml$/.exec(path) ?? [];
    if (stem === undefined) return [];
    const found = [`${stem}.override.yml`, `${stem}.override.yaml`].filter(isFile);
    return found.filter((other) => this.#asked.has(realpathOf(other))).slice(0, 1);
  }

  /** Variables of these files, those of later ones and at last `above` winning. */
  #environment(paths: readonly string[], above: Settings): Settings {
    const all = paths.filter(isFile).flatMap((path) => [...this.#settings(path)]);
    return new Map([...all, ...above]);
  }

  #settings(path: string): Settings {
    const file = this.text(path, LINES_LIMIT, false, null);
    return file === null ? NO_SETTINGS : settingsOf(file);
  }

  #unit(name: string, paths: readonly string[], enabled: boolean | null): void {
    const files = paths
      .map((path) => this.text(path, LINES_LIMIT, false, null))
      .filter((file) => file !== null);
    const [own] = files;
    if (own === undefined) return;
    const unit: Unit = { name, files, enabled };
    const environment = new Map<string, Setting>();
    for (const written of name.endsWith('.service') ? environmentFiles(unit) : []) {
      const path = underRoot(this.#root, written);
      if (path === null || !isFile(path)) continue;
      for (const [key, value] of this.#settings(path)) environment.set(key, value);
    }
    this.#take(own, readUnit(unit, environment));
  }

  #take(file: TextFile, { fixed, faults }: Parsed): void {
    // Not handed over as arguments, of which there may not be so many.
    for (const port of fixed) this.fixed.push(port);
    for (const fault of faults.slice(0, FAULTS_TOLD)) this.#fault(file, fault);
    const next = faults[FAULTS_TOLD];
    if (next === undefined) return;
    const reason = `${faults.length - FAULTS_TOLD} more places could not be read`;
    this.gap('audit-broken', { file: file.file, line: next.line, reason });
  }

  #fault({ file }: TextFile, { kind, line, detail }: Fault): void {
    if (kind === 'broken') this.gap('audit-broken', { file, line, reason: detail });
    else if (kind === 'unresolved') this.gap('audit-unresolved', { file, line, name: detail });
    else if (kind === 'bomb') this.gap('audit-bomb', { file, line, size: detail });
    else this.gap('audit-cycle', { file, line, name: detail });
  }
}

function isFile(path: string): boolean {
  try {
    // Whatever is there and no folder: a pipe by that name is told as a gap.
    return !statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function realpathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}
