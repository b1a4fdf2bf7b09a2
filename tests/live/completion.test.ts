// Completions as people have them: each shell on a terminal of its own, TAB typed, and what then stands on the line. The
// shell's own engine does the work; ports in use are those of the test's network namespace.
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { PROGRAM } from '../cli/program.ts';
import { listener } from './kill-place.ts';
import { liveTest, type Namespace, pause, scenario } from './namespace.ts';

const TOLD_MS = 10_000;
/** Moves to the start of the line, writes a command before it that prints every word of it, and runs that. */
const SHOW = "\u0001printf '<%s>' \n";

interface Shell {
  readonly need: 'bash' | 'zsh' | 'fish';
  readonly argv: readonly string[];
  readonly setUp: string;
}

const SHELLS: readonly Shell[] = [
  { need: 'bash', argv: ['bash', '--norc', '-i'], setUp: 'source <(portolan completion bash)' },
  {
    need: 'zsh',
    argv: ['zsh', '-f', '-i'],
    setUp: 'autoload -U compinit; compinit -u -D; bindkey -e; source <(portolan completion zsh)',
  },
  { need: 'fish', argv: ['fish', '--no-config', '-i'], setUp: 'portolan completion fish | source' },
];

/** A shell on a terminal, in the namespace, with the built program on its PATH and a project's folder of its own. */
class Session {
  readonly #child: ChildProcess;
  readonly folder: string;
  #text = '';

  constructor(ns: Namespace, argv: readonly string[], folder: string) {
    this.folder = folder;
    const env = [
      `PATH=${join(folder, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
      `HOME=${folder}`,
      'TERM=xterm',
      'LANG=C.UTF-8',
    ];
    const place = [
      'env',
      '-C',
      join(folder, 'project'),
      '-i',
      ...env,
      `PORTOLAN_LEASE_DIR=${join(folder, 'leases')}`,
    ];
    this.#child = ns.background('python3', [
      scenario('terminal.py'),
      '/usr/bin/env',
      ...place.slice(1),
      ...argv,
    ]);
    this.#child.stdout?.on('data', (part: Buffer) => {
      this.#text += part.toString();
    });
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Types this, and waits until the words of the line are these. */
  async becomes(keys: string, words: readonly string[]): Promise<void> {
    await this.shows(`${keys}${SHOW}`, words.map((word) => `<${word}>`).join(''));
  }

  /** Types this, and waits until that is shown. */
  async shows(keys: string, shown: string): Promise<void> {
    this.#text = '';
    this.type(keys);
    for (const end = Date.now() + TOLD_MS; !this.#text.includes(shown) && Date.now() < end; ) await pause(50);
    expect(this.#text, `after ${JSON.stringify(keys)}`).toContain(shown);
  }
}

async function begin(ns: Namespace, { argv, setUp }: Shell): Promise<Session> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-shell-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['bin', 'project', 'project/.git', 'leases']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'project', 'compose.yaml'), 'services: {}\n');
  symlinkSync(PROGRAM, join(folder, 'bin', 'portolan'));
  symlinkSync(process.execPath, join(folder, 'bin', 'node'));
  chmodSync(PROGRAM, 0o755);
  const session = new Session(ns, argv, folder);
  await session.shows(`${setUp}\necho R''EADY\n`, 'READY');
  return session;
}

for (const shell of SHELLS) {
  describe(shell.need, () => {
    liveTest('completes commands, flags and their values', { needs: ['python3', shell.need] }, async (ns) => {
      const session = await begin(ns, shell);
      await session.becomes('portolan unres\t', ['portolan', 'unreserve']);
      await session.becomes('portolan list --al\t', ['portolan', 'list', '--all']);
      await session.becomes('portolan --procfs\t', ['portolan', '--procfs-root']);
      await session.becomes('portolan why 3000 --addr\t127.0.0.1', [
        'portolan', 'why', '3000',
        ...(shell.need === 'zsh' ? ['--address=127.0.0.1'] : ['--address', '127.0.0.1']),
      ]); // biome-ignore format: words of one line
      await session.becomes('portolan --color nev\t who 1', ['portolan', '--color', 'never', 'who', '1']);
      await session.becomes('portolan --lang c\t who 1', ['portolan', '--lang', 'cs', 'who', '1']);
      await session.becomes('portolan completion pow\t', ['portolan', 'completion', 'powershell']);
      await session.becomes('portolan audit comp\t', ['portolan', 'audit', 'compose.yaml']);
      // A flag of one command is none of another.
      await session.becomes('portolan who --sari\t', ['portolan', 'who', '--sari']);
    });

    liveTest(
      'asks for ports in use, services, profiles and leases',
      { needs: ['python3', shell.need] },
      async (ns) => {
        await listener(ns, 43_210);
        await listener(ns, 8311);
        const session = await begin(ns, shell);
        await session.becomes('portolan who 43\t', ['portolan', 'who', '43210']);
        await session.becomes('portolan 83\t', ['portolan', '8311']);
        await session.becomes('portolan --json kill 4\t', ['portolan', '--json', 'kill', '43210']);
        await session.becomes('portolan why localhost:43\t', ['portolan', 'why', 'localhost:43210']);
        await session.becomes('portolan who :83\t', ['portolan', 'who', ':8311']);
        await session.becomes('portolan list --port 43\t', ['portolan', 'list', '--port', '43210']);
        await session.becomes('portolan list --port=83\t', ['portolan', 'list', '--port=8311']);
        await session.becomes('portolan reserve 7000,43\t', ['portolan', 'reserve', '7000,43210']);
        await session.becomes('portolan who 43210/u\t', ['portolan', 'who', '43210/udp']);
        await session.becomes('portolan who postgresq\t', ['portolan', 'who', 'postgresql']);
        await session.becomes('portolan audit --profile wiregu\t', [
          'portolan',
          'audit',
          '--profile',
          'wireguard',
        ]);
        await session.shows("portolan lease webserver >/dev/null; echo LEA''SED\n", 'LEASED');
        await session.becomes('portolan release webs\t', ['portolan', 'release', 'webserver']);
        // What follows -- is another program's.
        await session.becomes('portolan run webserver -- unam\t', [
          'portolan',
          'run',
          'webserver',
          '--',
          'uname',
        ]);
      },
    );

    liveTest(
      'a name with signs of a shell stays one word, and runs nothing',
      { needs: ['python3', shell.need] },
      async (ns) => {
        const session = await begin(ns, shell);
        const name = 'web $(touch ../ran)`touch ../ran`;\'"?*[x]';
        writeFileSync(join(session.folder, 'name'), name);
        await session.shows("xargs -0 portolan lease <../name; echo LEA''SED\n", 'LEASED');
        if (shell.need === 'bash') await session.shows("shopt -s failglob; echo GL''OB\n", 'GLOB');
        await session.becomes('portolan release web\t', ['portolan', 'release', name]);
        await session.becomes('portolan release \t', ['portolan', 'release', name]);
        expect(existsSync(join(session.folder, 'ran'))).toBe(false);
        // Anybody can write a lease; one of a user who has nothing to say in this folder is no word here.
        if (process.getuid?.() !== 0) return;
        const [file = ''] = readdirSync(join(session.folder, 'leases'));
        chownSync(join(session.folder, 'leases', file), 65_534, 65_534);
        await session.becomes('portolan release web\t', ['portolan', 'release', 'web']);
      },
    );

    if (shell.need === 'bash') {
      liveTest('a shell with settings of its own', { needs: ['python3', 'bash'] }, async (ns) => {
        await listener(ns, 43_210);
        const session = await begin(ns, shell);
        await session.shows("set -u; IFS=0e; echo SE''T\n", 'SET');
        await session.becomes('portolan who localhost:43\t', ['portolan', 'who', 'localhost:43210']);
        await session.becomes('portolan unres\t', ['portolan', 'unreserve']);
      });
    }

    liveTest('says nothing where portolan fails', { needs: ['python3', shell.need] }, async (ns) => {
      await listener(ns, 43_210);
      const session = await begin(ns, shell);
      rmSync(join(session.folder, 'bin', 'portolan'));
      writeFileSync(join(session.folder, 'bin', 'portolan'), '#!/bin/sh\necho BROKEN >&2\nexit 70\n', {
        mode: 0o755,
      });
      await session.becomes('portolan who 43\t', ['portolan', 'who', '43']);
      // A program beside the user, and none on PATH, is not run before Enter was typed.
      rmSync(join(session.folder, 'bin', 'portolan'));
      const marker = join(session.folder, 'ran');
      writeFileSync(join(session.folder, 'project', 'portolan'), `#!/bin/sh\ntouch ${marker}\n`, {
        mode: 0o755,
      });
      await session.becomes('./portolan who 43\t', ['./portolan', 'who', '43']);
      await session.shows(
        `test -e ${marker}; and echo YE''S; or echo N''O\n`.replace(/; and | ; or |; or /g, (word) =>
          shell.need === 'fish' ? word : word.includes('and') ? ' && ' : ' || ',
        ),
        'NO',
      );
    });
  });
}
