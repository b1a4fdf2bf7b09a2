// A program called ssh, first in PATH, that stands for a host as a test wants it; what it was called with is kept.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface FakeSsh {
  readonly folder: string;
  /** PATH with it in front. */
  readonly env: Readonly<Record<string, string>>;
  /** Arguments of each call. */
  calls(): string[][];
  remove(): void;
}

/** `hosts` has a script of sh for each host; `$HERE` is the folder. Any other host refuses. */
export function fakeSsh(hosts: Readonly<Record<string, string>>): FakeSsh {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-ssh-'));
  const log = join(folder, 'calls');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, script] of Object.entries(hosts))
    writeFileSync(join(folder, `host-${name}`), `HERE='${folder}'\n${script}\n`);
  writeFileSync(
    join(bin, 'ssh'),
    `#!/bin/sh
{ for word do printf '%s\\0' "$word"; done; printf '\\n'; } >>'${log}'
while [ "$1" != -- ]; do shift; done
if [ -e '${folder}/host-'"$2" ]; then exec sh '${folder}/host-'"$2"; fi
echo "ssh: connect to host $2 port 22: Connection refused" >&2
exit 255
`,
  );
  chmodSync(join(bin, 'ssh'), 0o755);
  return {
    folder,
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    calls: () =>
      existsSync(log)
        ? readFileSync(log, 'utf8')
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => line.split('\0').slice(0, -1))
        : [],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
