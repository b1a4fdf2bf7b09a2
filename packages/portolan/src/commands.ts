// The commands there are; each is loaded when it is asked for and not before.
import type { CommandSpec, Run } from './command.ts';

/** A command's words and its work, apart, so that help loads no work. */
export interface CommandEntry {
  spec(): Promise<CommandSpec>;
  run(): Promise<Run>;
}

/** The command that a bare port stands for. */
export const PORT_COMMAND = 'report';

/** Every command by name, in the order help lists them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  report: {
    spec: async () => (await import('./commands/report/command.ts')).spec,
    run: async () => (await import('./commands/report/run.ts')).run,
  },
  list: {
    spec: async () => (await import('./commands/list/command.ts')).spec,
    run: async () => (await import('./commands/list/run.ts')).run,
  },
  who: {
    spec: async () => (await import('./commands/who/command.ts')).spec,
    run: async () => (await import('./commands/who/run.ts')).run,
  },
  why: {
    spec: async () => (await import('./commands/why/command.ts')).spec,
    run: async () => (await import('./commands/why/run.ts')).run,
  },
  watch: {
    spec: async () => (await import('./commands/watch/command.ts')).spec,
    run: async () => (await import('./commands/watch/run.ts')).run,
  },
  kill: {
    spec: async () => (await import('./commands/kill/command.ts')).spec,
    run: async () => (await import('./commands/kill/run.ts')).run,
  },
  audit: {
    spec: async () => (await import('./commands/audit/command.ts')).spec,
    run: async () => (await import('./commands/audit/run.ts')).run,
  },
  ephemeral: {
    spec: async () => (await import('./commands/ephemeral/command.ts')).spec,
    run: async () => (await import('./commands/ephemeral/run.ts')).run,
  },
  reserve: {
    spec: async () => (await import('./commands/reserve/command.ts')).spec,
    run: async () => (await import('./commands/reserve/run.ts')).run,
  },
  unreserve: {
    spec: async () => (await import('./commands/unreserve/command.ts')).spec,
    run: async () => (await import('./commands/unreserve/run.ts')).run,
  },
  pick: {
    spec: async () => (await import('./commands/pick/command.ts')).spec,
    run: async () => (await import('./commands/pick/run.ts')).run,
  },
  lease: {
    spec: async () => (await import('./commands/lease/command.ts')).spec,
    run: async () => (await import('./commands/lease/run.ts')).run,
  },
  release: {
    spec: async () => (await import('./commands/release/command.ts')).spec,
    run: async () => (await import('./commands/release/run.ts')).run,
  },
  leases: {
    spec: async () => (await import('./commands/leases/command.ts')).spec,
    run: async () => (await import('./commands/leases/run.ts')).run,
  },
  run: {
    spec: async () => (await import('./commands/run/command.ts')).spec,
    run: async () => (await import('./commands/run/run.ts')).run,
  },
  read: {
    spec: async () => (await import('./commands/read/command.ts')).spec,
    run: async () => (await import('./commands/read/run.ts')).run,
  },
  mcp: {
    spec: async () => (await import('./commands/mcp/command.ts')).spec,
    run: async () => (await import('./commands/mcp/run.ts')).run,
  },
  search: {
    spec: async () => (await import('./commands/search/command.ts')).spec,
    run: async () => (await import('./commands/search/run.ts')).run,
  },
  serve: {
    spec: async () => (await import('./commands/serve/command.ts')).spec,
    run: async () => (await import('./commands/serve/run.ts')).run,
  },
  export: {
    spec: async () => (await import('./commands/export/command.ts')).spec,
    run: async () => (await import('./commands/export/run.ts')).run,
  },
  feedback: {
    spec: async () => (await import('./commands/feedback/command.ts')).spec,
    run: async () => (await import('./commands/feedback/run.ts')).run,
  },
  facts: {
    spec: async () => (await import('./commands/facts/command.ts')).spec,
    run: async () => (await import('./commands/facts/run.ts')).run,
  },
  completion: {
    spec: async () => (await import('./commands/completion/command.ts')).spec,
    run: async () => (await import('./commands/completion/run.ts')).run,
  },
};
