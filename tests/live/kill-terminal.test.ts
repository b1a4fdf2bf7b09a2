// `portolan kill` on a terminal: the plan, the question, and what every answer and key does.
import type { ChildProcess } from 'node:child_process';
import { describe, expect } from 'vitest';
import { child, expectAlive, expectGone, listener, PORT, SIT } from './kill-place.ts';
import { BIN, liveTest, type Namespace, pause, scenario } from './namespace.ts';

/** The program on a terminal, in the namespace. */
class Terminal {
  readonly #child: ChildProcess;
  #text = '';
  #ended = false;

  constructor(ns: Namespace, args: readonly string[]) {
    this.#child = ns.background('python3', [scenario('terminal.py'), process.execPath, BIN, ...args]);
    this.#child.stdout?.on('data', (part: Buffer) => {
      this.#text += part.toString();
    });
    this.#child.once('close', () => {
      this.#ended = true;
    });
  }

  /** What is shown once it has this in it. */
  async until(text: string): Promise<string> {
    for (let tries = 0; !this.#text.includes(text); tries++) {
      if (tries > 600 || (this.#ended && !this.#text.includes(text)))
        throw new Error(`no “${text}” in: ${this.#text}`);
      await pause(50);
    }
    return this.#text;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Types the answer to the question and gives the exit code and all that was shown. */
  async answer(keys: string): Promise<{ code: number; text: string }> {
    await this.until('[y/N]');
    this.type(keys);
    const text = await this.until('EXIT ');
    return { code: Number(/EXIT (-?\d+)/.exec(text)?.[1]), text };
  }
}

describe('on a terminal', () => {
  liveTest('only a yes is a yes', { needs: ['python3'] }, async (ns) => {
    const victim = await listener(ns);
    for (const [keys, code] of [
      ['\n', 1],
      ['n\n', 1],
      ['yikes\n', 1],
      ['\u0004', 1],
      ['\u0003', 130],
      ['y\u0003', 130],
    ] as const) {
      const said = await new Terminal(ns, ['kill', String(PORT)]).answer(keys);
      expect([keys, said.code]).toEqual([keys, code]);
      expect(said.text).toContain(`pid ${victim.pid}`);
      expect(said.text).toContain('Nothing was done.');
      await expectAlive(ns, victim);
    }
    const json = new Terminal(ns, ['kill', String(PORT), '--json']);
    expect(await json.until('EXIT ')).not.toContain('[y/N]');
    await expectAlive(ns, victim);
    expect((await new Terminal(ns, ['kill', String(PORT)]).answer('y\n')).code).toBe(0);
    await expectGone(ns, victim.pid);
    await expectAlive(ns);
  });

  liveTest('what was typed before the question is no answer to it', { needs: ['python3'] }, async (ns) => {
    const victim = await listener(ns);
    // A whole line, a line without its end, a line and the end of input; with and without native code.
    for (const early of ['y\n', 'y', 'yes\ny\n\u0004']) {
      for (const flags of [[], ['--no-ffi']]) {
        const terminal = new Terminal(ns, ['kill', String(PORT), ...flags]);
        terminal.type(early);
        await terminal.until('[y/N]');
        // Long enough to be taken for the answer.
        await pause(300);
        const { code, text } = await terminal.answer('\n');
        expect([early, code]).toEqual([early, 1]);
        expect(text).toContain('Nothing was done.');
        await expectAlive(ns, victim);
      }
    }
    const last = new Terminal(ns, ['kill', String(PORT)]);
    last.type('n\nn');
    expect((await last.answer('y\n')).code).toBe(0);
    await expectGone(ns, victim.pid);
    await expectAlive(ns);
  });

  liveTest('the listener was replaced while the question stood', { needs: ['python3'] }, async (ns) => {
    const victim = await listener(ns);
    const terminal = new Terminal(ns, ['kill', String(PORT)]);
    await terminal.until('[y/N]');
    await victim.steps({ op: 'close', of: 'l' });
    const newcomer = await listener(ns);
    const { code, text } = await terminal.answer('y\n');
    expect(code).toBe(1);
    expect(text).toContain('not touched');
    expect(text).toContain(`taken again: node (pid ${newcomer.pid})`);
    await expectAlive(ns, victim, newcomer);
  });

  liveTest('the socket was handed to another process', { needs: ['python3'] }, async (ns) => {
    const victim = await listener(ns);
    const terminal = new Terminal(ns, ['kill', String(PORT)]);
    await terminal.until('[y/N]');
    const heir = await child(victim, 'heir', 'l');
    await victim.steps({ op: 'close', of: 'l' });
    const { code, text } = await terminal.answer('y\n');
    expect(code).toBe(1);
    expect(text).toContain('not touched');
    await expectAlive(ns, victim, heir);
  });

  liveTest(
    'the process was replaced by another with its pid and its port',
    { needs: ['python3', 'pid-reuse'], ownPids: true },
    async (ns) => {
      const victim = await listener(ns);
      const terminal = new Terminal(ns, ['kill', String(PORT)]);
      await terminal.until('[y/N]');
      await ns.run('kill', ['-9', String(victim.pid)]);
      // Its parent must have taken notice, or nobody ever will, and the number stays in use.
      for (let tries = 0; tries < 200; tries++) {
        if ((await ns.run('test', ['-e', `/proc/${victim.pid}`])).code === 1) break;
        await pause(10);
      }
      await victim.end();
      await ns.robot.step({
        op: 'open',
        as: 'l',
        family: 'ipv4',
        type: 'tcp',
        bind: ['127.0.0.1', PORT],
        listen: 8,
      });
      // Any thread that begins in between takes the number: then another try.
      let newcomer: number | null | undefined = null;
      for (let tries = 0; newcomer !== victim.pid && tries < 20; tries++) {
        if (newcomer) await ns.run('kill', ['-9', String(newcomer)]);
        [, newcomer] = await ns.robot.steps(
          { op: 'write', path: '/proc/sys/kernel/ns_last_pid', text: String(victim.pid - 1) },
          { op: 'spawn', as: `newcomer${tries}`, file: process.execPath, args: [SIT], inherit: ['l'] },
        );
      }
      await ns.robot.step({ op: 'close', of: 'l' });
      expect(newcomer).toBe(victim.pid);
      const { code, text } = await terminal.answer('y\n');
      expect(code).toBe(1);
      expect(text).toContain(`node (pid ${victim.pid}) had ended before it was told`);
      expect(text).toContain('taken again');
      await expectAlive(ns, victim.pid);
    },
  );
});
