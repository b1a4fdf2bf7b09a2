// The SDK's own client on the built `portolan mcp`, as an editor or agent runs it.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'vitest';
import { checked, environment, PROGRAM } from './program.ts';

/** A session with the server. */
export interface Session {
  readonly client: Client;
  readonly pid: number;
  /** Calls a tool; its structured content is held against the shipped schema. */
  ask<T>(name: string, input?: Record<string, unknown>): Promise<T & { format: string; told: string }>;
  /** Calls a tool that must fail; gives what it tells. */
  refused(name: string, input?: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

interface Result {
  readonly isError?: boolean;
  readonly structuredContent?: object;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
}

/** Starts `portolan mcp ARGS`; `before` is a program that starts it, such as nsenter with its arguments. */
export async function session(
  args: readonly string[] = [],
  { env = {}, before = [] }: { env?: Record<string, string>; before?: readonly string[] } = {},
): Promise<Session> {
  const [command = process.execPath, ...more] = [...before, process.execPath, PROGRAM, 'mcp', ...args];
  const transport = new StdioClientTransport({
    command,
    args: more,
    env: environment(env) as Record<string, string>,
    stderr: 'pipe',
  });
  const client = new Client({ name: 'portolan-test', version: '1' });
  await client.connect(transport);
  const call = async (name: string, input: Record<string, unknown>): Promise<Result> =>
    (await client.callTool({ name, arguments: input })) as unknown as Result;
  const words = (result: Result): string => result.content.map(({ text = '' }) => text).join('\n');
  return {
    client,
    pid: transport.pid ?? 0,
    async ask<T>(name: string, input: Record<string, unknown> = {}) {
      const result = await call(name, input);
      expect(result.isError, words(result)).not.toBe(true);
      const json = checked<T & { format: string }>(JSON.stringify(result.structuredContent));
      const told = words(result);
      expect(told.trim()).not.toBe('');
      return { ...json, told };
    },
    async refused(name: string, input: Record<string, unknown> = {}) {
      const result = await call(name, input);
      expect(result.isError, words(result)).toBe(true);
      expect(result.structuredContent).toBeUndefined();
      expect(words(result)).not.toMatch(/fault in Portolan|\n\s+at /);
      return words(result);
    },
    close: () => client.close(),
  };
}
