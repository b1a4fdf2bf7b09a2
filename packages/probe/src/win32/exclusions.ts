// The four lists of ports that Windows keeps back, read and changed through netsh.
import type { WindowsList, WindowsStep } from '@portolan/core';
import { excludedLists } from './ranges.ts';
import { runTool, type ToolRunner } from './run-tool.ts';

/** Reads and changes them; nothing here throws for what Windows refuses. */
export interface WindowsExclusions {
  /** All four lists; null where one cannot be read. */
  read(): Promise<readonly WindowsList[] | null>;
  /** Runs netsh; null where that went well, else why not in a word (`exit 1`). Needs an administrator's rights. */
  change(args: WindowsStep['args']): Promise<string | null>;
}

/** This machine's lists, or those behind another runner. */
export function windowsExclusions(run: ToolRunner = runTool): WindowsExclusions {
  return {
    read: () => excludedLists(run),
    async change(args) {
      const result = await run('netsh', args);
      return result.ok ? null : result.reason;
    },
  };
}
