// What the tests of `portolan audit` share: folders of files, a recorded host without listeners, and the program run there.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { checked, environment, type Outcome, PROGRAM } from './program.ts';

export interface Audit {
  findings: {
    id: string;
    severity: string;
    port: number;
    transport: string;
    where: { file: string | null; line: number | null; column: number | null };
    service: string;
    text: string;
    chance: number | null;
    remedies: { commands: string[]; undo: string[] }[];
    claims: { product: string | null }[];
    variable?: { name: string; where: { file: string; line: number } | null };
    fingerprint: string;
  }[];
  silenced: { fingerprint: string; reason: string }[];
  unmatched: { fingerprint: string; reason: string }[];
  looked: { ports: number; files: string[]; units: number | null; profiles: string[] };
  gaps: { what: string; why: string }[];
  xsan?: { present: boolean; proposal: { ports: [number, number]; lines: string[] } | null };
}

export const COMPOSE = `services:
  web:
    build: .
    ports:
      - "60163:80"
      - "\${ADMIN_PORT:-54321}:3000"
      - "\${API_PORT}:4000"
      - "8080:8080"
  twin:
    build: .
    ports: ["60163:81"]
`;

/** Limits of a host, and empty tables: no listener of this machine is seen. */
const PROC = {
  'sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
  'sys/net/ipv4/ip_local_reserved_ports': '61500-61600\n',
  'sys/net/ipv4/ip_unprivileged_port_start': '1024\n',
  'sys/kernel/osrelease': '6.1.0\n',
  'net/tcp': '',
  'net/tcp6': '',
  'net/udp': '',
  'net/udp6': '',
};

/** Folders of one test file, and the program run in them. */
export class AuditFolders {
  readonly #root = mkdtempSync(join(tmpdir(), 'portolan-audit-'));
  #count = 0;

  /** Makes a folder with these files. */
  readonly folder = (files: Readonly<Record<string, string>>): string => {
    const root = join(this.#root, `f${this.#count++}`);
    mkdirSync(root);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  };

  readonly #proc = this.folder(PROC);

  /** Runs `portolan audit ARGS` in a folder, on the recorded host. */
  readonly audit = (cwd: string, ...args: readonly string[]): Outcome => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [PROGRAM, 'audit', '--procfs-root', this.#proc, ...args],
      { cwd, encoding: 'utf8', env: environment(), maxBuffer: 1 << 28, timeout: 50_000 },
    );
    return { code: status ?? -1, out: stdout, err: stderr };
  };

  /** The same as JSON, held against the schema. */
  readonly json = (cwd: string, ...args: readonly string[]): Audit & { code: number } => {
    const outcome = this.audit(cwd, '--json', ...args);
    expect(outcome.err).toBe('');
    return { ...checked<Audit>(outcome.out), code: outcome.code };
  };

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}
