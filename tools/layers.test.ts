// Holds every import against the table of rooms, and the table against the tree.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOMS, type Room, readRoom } from './layers.ts';

const ROOT = join(import.meta.dirname, '..');

describe('rooms', () => {
  for (const room of ROOMS) {
    it(`${room.folder}: ${room.why}`, () => {
      const reading = readRoom(ROOT, room);
      // An empty room means that the table looks at nothing.
      expect(reading.files).toBeGreaterThan(0);
      expect(reading.breaches).toEqual([]);
    });
  }

  it('leave no source folder without a rule', () => {
    const ruled = ROOMS.map((room) => room.folder);
    const folders = readdirSync(join(ROOT, 'packages')).flatMap((name) => {
      const source = join('packages', name, 'src');
      if (ruled.includes(source)) return [];
      return readdirSync(join(ROOT, source), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => `${source}/${entry.name}`);
    });
    expect(folders.filter((folder) => !ruled.includes(folder))).toEqual([]);
  });

  it('find a planted breach, static, re-exported and dynamic', () => {
    const root = mkdtempSync(join(tmpdir(), 'portolan-layers-'));
    try {
      const room: Room = { folder: 'a', may: ['b'], node: false, why: 'planted' };
      mkdirSync(join(root, 'a'));
      writeFileSync(
        join(root, 'a', 'x.ts'),
        [
          "import { readFileSync } from 'node:fs';",
          "export { y } from '../c/y.ts';",
          "export const z = () => import('../d/z.ts');",
          "import { fine } from '../b/fine.ts';",
          'void readFileSync; void fine;',
        ].join('\n'),
      );
      const { breaches } = readRoom(root, room);
      expect(breaches.map((breach) => breach.imports).toSorted()).toEqual([
        '../c/y.ts',
        '../d/z.ts',
        'node:fs',
      ]);
      expect(breaches[0]?.why).toBe('planted');
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
