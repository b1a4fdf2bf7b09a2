// Runs programs of Windows to their end: from System32, without a shell, bounded in time and size.
import { execFile } from 'node:child_process';
import { win32 } from 'node:path';

/** What a program printed, or in a word why there is nothing: an errno name or `exit N`. */
export type ToolRun =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** Runs `netsh`, `tasklist` or `powershell` with these arguments. Never rejects. */
export type ToolRunner = (tool: WindowsTool, args: readonly string[]) => Promise<ToolRun>;

/** Programs that are run, by their place below the system's folder. */
const TOOLS = {
  netsh: 'netsh.exe',
  tasklist: 'tasklist.exe',
  powershell: 'WindowsPowerShell\\v1.0\\powershell.exe',
} as const;

export type WindowsTool = keyof typeof TOOLS;

const TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT = 64 << 20;

/** PATH is not asked. What is printed comes in the console's code page, so that other characters than ASCII are only kept apart. */
export const runTool: ToolRunner = (tool, args) => {
  const folder = process.env['SystemRoot'] ?? 'C:\\Windows';
  const file = win32.join(folder, 'System32', TOOLS[tool]);
  const encoding = tool === 'powershell' ? 'utf8' : 'latin1';
  return new Promise((resolve) => {
    execFile(
      file,
      [...args],
      { encoding, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: OUTPUT_LIMIT, windowsHide: true },
      (error, stdout) => {
        if (error === null) resolve({ ok: true, text: stdout });
        else {
          const { code, signal } = error;
          resolve({
            ok: false,
            reason: typeof code === 'number' ? `exit ${code}` : (code ?? signal ?? 'EIO'),
          });
        }
      },
    );
  });
};
