// The tools by name: what each is for, what it takes, and which function answers.
import type { ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import { LIFTABLE, REUSES } from '@portolan/core';
import { z } from 'zod';
import type { Context } from '../command.ts';
import { Plans } from './actions.ts';
import type { Answer } from './answer.ts';
import { audit, explainPort, forecast, lease, listHolders, pick, searchFor, whyPort } from './look.ts';

/** Registers a tool. */
export type Offer = <Schema extends z.ZodType>(
  name: string,
  config: {
    readonly title: string;
    readonly description: string;
    readonly inputSchema: Schema;
    readonly annotations: ToolAnnotations;
  },
  work: (input: z.output<Schema>) => Promise<Answer>,
) => void;

/** Longest word, path or address that is read, characters. */
const WORD = 300;
const QUERY = 400;
const PATH = 4096;
const MOST_FILES = 100;
const MOST_PORTS = 256;
const MOST_PICKED = 100;
const MOST_HOLDERS = 2000;
const MOST_CLAIMS = 500;

/** Nothing is changed, and only this machine is asked. */
const LOOKS: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };
const PLANS: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };

const PORT = z
  .union([z.number().int().min(0).max(65_535), z.string().min(1).max(WORD)])
  .describe('A port as people write it: 60163, "60163/udp", ":3000", "https".');
const NUMBER = z.number().int().min(1).max(65_535);
const PROJECT = z
  .string()
  .min(1)
  .max(PATH)
  .optional()
  .describe('Folder of the project; default: where the server runs.');
const ALLOW = z
  .array(z.enum(LIFTABLE as [string, ...string[]]))
  .max(LIFTABLE.length)
  .default([])
  .describe('Rules to lift.');

/** The tools that change nothing but leases. */
export function addLooks(offer: Offer, context: Context): void {
  offer(
    'explain',
    {
      title: 'Explain a port',
      description:
        'Everything about one port: what it is said to carry, with sources; who holds it here; what could go wrong. portolan.report/1.',
      inputSchema: z.strictObject({ port: PORT }),
      annotations: LOOKS,
    },
    (input) => explainPort(context, input),
  );
  offer(
    'why',
    {
      title: 'Why a port cannot be bound',
      description:
        'Tries to bind a port for a moment; if that fails, every cause and what helps. Use it for EADDRINUSE, EACCES and EADDRNOTAVAIL. portolan.why/1.',
      inputSchema: z.strictObject({
        port: PORT,
        address: z
          .string()
          .min(1)
          .max(WORD)
          .optional()
          .describe('IP address to bind; default [::] with IPv4 too.'),
        family: z.enum(['4', '6']).optional(),
        reuse: z.enum(REUSES as unknown as [string, ...string[]]).optional(),
      }),
      annotations: LOOKS,
    },
    ({ port, address, family, reuse }) =>
      whyPort(context, {
        port,
        ...(address === undefined ? {} : { address }),
        ...(family === undefined ? {} : { family }),
        ...(reuse === undefined ? {} : { reuse }),
      }),
  );
  offer(
    'list',
    {
      title: 'Who holds ports here',
      description:
        'Sockets that hold a port on this machine, with their processes. Without a port, those that listen or are bound. portolan.list/1; a gap tells when the limit cut it.',
      inputSchema: z.strictObject({
        port: PORT.optional(),
        process: z.string().min(1).max(WORD).optional().describe('A pid, or part of a process name.'),
        all: z.boolean().default(false).describe('Connections and closing sockets too.'),
        limit: z.number().int().min(1).max(MOST_HOLDERS).default(200),
      }),
      annotations: LOOKS,
    },
    (input) => listHolders(context, input),
  );
  offer(
    'search',
    {
      title: 'Search services',
      description:
        'Which ports a service, product or vendor is said to use, with sources. portolan.search/1.',
      inputSchema: z.strictObject({
        words: z.string().min(1).max(QUERY),
        limit: z.number().int().min(1).max(MOST_CLAIMS).default(30),
      }),
      annotations: LOOKS,
    },
    (input) => searchFor(context, input),
  );
  offer(
    'pick',
    {
      title: 'Pick good ports',
      description:
        'Ports that are free, claimed by nobody and outside every range that systems hand out, with reasons. portolan.pick/1.',
      inputSchema: z.strictObject({
        count: z.number().int().min(1).max(MOST_PICKED).default(1),
        near: NUMBER.optional(),
        name: z.string().min(1).max(WORD).optional().describe('The same ports each time for this name.'),
        project: PROJECT,
        allow: ALLOW,
      }),
      annotations: LOOKS,
    },
    (input) => pick(context, input),
  );
  offer(
    'lease',
    {
      title: 'Lease a port',
      description:
        'The port of a name in a project: the same every time, and no other project’s. Writes the lease, and nothing else. portolan.lease/1.',
      inputSchema: z.strictObject({
        name: z.string().min(1).max(WORD),
        project: PROJECT,
        near: NUMBER.optional(),
        transport: z.enum(['tcp', 'udp']).default('tcp'),
        allow: ALLOW,
      }),
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
    (input) => lease(context, input),
  );
  offer(
    'forecast',
    {
      title: 'What could take a port',
      description:
        'How likely a port, or the port of each listener, is taken by somebody’s connection, and when. portolan.forecast/1.',
      inputSchema: z.strictObject({ port: PORT.optional() }),
      annotations: LOOKS,
    },
    (input) => forecast(context, input),
  );
  offer(
    'audit',
    {
      title: 'Audit fixed ports',
      description:
        'Every fixed port of this machine, or of files (Compose, Kubernetes, Procfile, .env, units …), against what systems hand out and what others claim, with file and line. portolan.audit/1.',
      inputSchema: z.strictObject({
        files: z.array(z.string().min(1).max(PATH)).max(MOST_FILES).default([]),
        profiles: z.array(z.string().min(1).max(WORD)).max(MOST_FILES).default([]),
      }),
      annotations: LOOKS,
    },
    (input) => audit(context, input),
  );
}

/** The tools that plan a change, and the one that has it done. */
export function addActions(offer: Offer, context: Context): Plans {
  const plans = new Plans(context);
  offer(
    'plan_kill',
    {
      title: 'Plan to stop a listener',
      description:
        'Shows what would be stopped so that a port becomes free; nothing is done. The id in the answer is for confirm, once, within 30 seconds, after the person has agreed. portolan.plan/1.',
      inputSchema: z.strictObject({
        port: PORT,
        address: z.string().min(1).max(WORD).optional().describe('Only what has the port on this address.'),
        force: z.boolean().default(false).describe('SIGKILL to what still has the port after the wait.'),
        wait: z.number().int().min(0).max(60).default(5).describe('Seconds it may take to stop.'),
      }),
      annotations: PLANS,
    },
    (input) => plans.kill(input),
  );
  const change = z.strictObject({
    ports: z
      .array(z.string().min(1).max(WORD))
      .min(1)
      .max(MOST_PORTS)
      .describe('Ports and runs: "60163", "7000-7010".'),
    now: z.boolean().default(false).describe('The running list alone, not at boot.'),
  });
  offer(
    'plan_reserve',
    {
      title: 'Plan to reserve ports',
      description:
        'Shows how ports would be kept out of automatic choice, now and at boot; nothing is done. The id is for confirm. portolan.plan/1.',
      inputSchema: change,
      annotations: PLANS,
    },
    (input) => plans.reserve('reserve', { ...input, force: false }),
  );
  offer(
    'plan_unreserve',
    {
      title: 'Plan to give reserved ports back',
      description:
        'Shows how what was reserved would be undone; nothing is done. The id is for confirm. portolan.plan/1.',
      inputSchema: change.extend({
        force: z
          .boolean()
          .default(false)
          .describe('Also what Portolan has not written down as its own, as with `now`.'),
      }),
      annotations: PLANS,
    },
    (input) => plans.reserve('unreserve', input),
  );
  offer(
    'confirm',
    {
      title: 'Do what a plan showed',
      description:
        'Does exactly what the plan of this id showed, if it is still so. Only after the person who asks has seen and agreed to the plan. portolan.kill/1 or portolan.reserve/1.',
      inputSchema: z.strictObject({ id: z.string().min(1).max(WORD) }),
      annotations: {
        readOnlyHint: false,
        destructiveHint: true,
        idempotentHint: false,
        openWorldHint: false,
      },
    },
    ({ id }) => plans.confirm(id),
  );
  return plans;
}
