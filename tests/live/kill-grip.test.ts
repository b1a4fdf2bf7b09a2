// `portolan kill` where the kernel gives no hold of a process: nobody is signalled by a number that may be another's.
import { expect } from 'vitest';
import { listener } from './kill-place.ts';
import { BIN, liveTest, type Namespace, only, pidsOf } from './namespace.ts';

const PORT = 7350;

/** Asks to stop what listens, with this before the program; gives what was said in one line. */
async function stop(
  ns: Namespace,
  file: string,
  ...args: string[]
): Promise<{ code: number | null; text: string }> {
  const ran = await ns.run(file, [...args, process.execPath, BIN, 'kill', String(PORT), '--yes']);
  return { code: ran.code, text: `${ran.stdout} ${ran.stderr}`.replaceAll(/\s+/g, ' ') };
}

liveTest(
  'a process of a pid namespace that we are not in is seen and cannot be held',
  { needs: ['root'] },
  async (ns) => {
    const { pid } = await listener(ns, PORT);
    // /proc stays that of the outer namespace, whose numbers pidfd_open(2) does not know here.
    const { code, text } = await stop(ns, 'unshare', '--pid', '--fork');
    expect(code).toBe(1);
    expect(text).toContain(`Not stopped: node (pid ${pid})`);
    expect(text).toContain('gives no way to hold a process');
    expect(text).not.toContain('had ended');
    expect(pidsOf(only((await ns.who(PORT)).holders))).toEqual([pid]);
  },
);

liveTest(
  'where the kernel says that a process is no more, and it is, that is said and nothing more',
  { needs: ['root', 'strace'] },
  async (ns) => {
    const { pid } = await listener(ns, PORT);
    const inject = (call: string): [string, ...string[]] => [
      'strace',
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      '-e',
      `trace=${call}`,
      '-e',
      `inject=${call}:error=ESRCH`,
    ];
    const held = await stop(ns, ...inject('pidfd_open'));
    expect(held.code).toBe(1);
    // /proc has it still, so it is not gone.
    expect(held.text).toContain('gives no way to hold a process');
    const sent = await stop(ns, ...inject('pidfd_send_signal'));
    expect(sent.code).toBe(1);
    expect(sent.text).toContain(`node (pid ${pid}) had ended before it was told`);
    // What is there now is looked at anew, whatever was said.
    expect(sent.text).toContain(`${PORT} is still held by node (pid ${pid})`);
    expect(pidsOf(only((await ns.who(PORT)).holders))).toEqual([pid]);
  },
);
