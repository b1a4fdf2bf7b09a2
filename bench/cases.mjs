// The cases: which load, which commands side by side, and what each answer must contain to count as one.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileOf, hostTarget } from '../tools/binaries/targets.mjs';
import { ROOT } from '../tools/setup.mjs';
import { which } from './machine.mjs';

const PACKAGE = join(ROOT, 'packages', 'portolan');
const BIN = join(PACKAGE, JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')).bin.portolan);

/** The port in question: the last listener, or connection, of the middle process of every load. */
const PORT = 60163;

const QUIET = { kind: 'listeners', holders: 1, listeners: 1, idle: 0, fds: 0, port: PORT };
const CROWD = { kind: 'listeners', holders: 50, listeners: 900, idle: 0, fds: 0, port: PORT };
const GIANT = { kind: 'listeners', holders: 1, listeners: 19_000, idle: 500, fds: 20, port: PORT };
const BUSY = { kind: 'connections', pairs: 25, each: 1_600, waiting: 14_000, port: PORT };

/*
 * A command has a label, a short name (by which budgets name it), a role (`ours` is set beside every `peer`), the
 * program's name, its arguments, and `check(stdout, expected)`, which returns what is wrong with an answer, or null.
 * `expected` is { port, pid, sockets }: the port in question, its owner, and how many listening sockets there are at
 * least. Ours may have `cache: 'empty'`, so that each run is the first of its user, and `streams: true`, so that the
 * time to the first byte is measured.
 */

function portolan(args, check, more = {}) {
  return {
    label: `portolan ${args.join(' ')}`,
    short: args.join(' '),
    role: 'ours',
    program: 'node',
    args: [BIN, ...args],
    check,
    ...more,
  };
}

function peer(program, args, check, more = {}) {
  const label = [program, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
  return { label, short: program, role: 'peer', program, args, check, ...more };
}

function limit(args, check) {
  return { ...peer('limit', args, check), label: `limit ${args.join(' ')} (C)`, short: 'the C limit' };
}

const FLOOR = join(ROOT, 'bench', 'floor.cjs');

/** What a Node program takes that makes only the calls which cannot be left out. */
function floor(args) {
  const label = `floor ${args.join(' ')} (Node)`;
  const check = args[0] === 'one' ? one(FLOOR_LINE) : lines(FLOOR_LINE);
  const absent = 'it needs root, and a kernel that describes itself';
  return { ...peer('floor', [FLOOR, ...args], check), label, short: 'the Node floor', absent };
}

const TARGET = hostTarget();
const SINGLE = TARGET === null ? null : join(ROOT, 'dist', 'binaries', fileOf(TARGET));

/** The program as a single file, where one was built. */
function single(args, check) {
  return {
    ...portolan(args, check),
    label: `single file ${args.join(' ')}`,
    short: `single file ${args[0]}`,
    program: 'single',
    args,
    absent: 'npm run build:binaries makes it',
  };
}

/** Where a command's program is; null where it is not installed. `own` names the programs made for this run. */
export function locate(command, own) {
  if (command.program === 'node') return process.execPath;
  if (command.program === 'single') return SINGLE !== null && existsSync(SINGLE) ? SINGLE : null;
  if (command.program === 'limit') return own('limit');
  if (command.program === 'floor')
    return process.geteuid() === 0 && existsSync('/sys/kernel/btf/vmlinux') ? process.execPath : null;
  return which(command.program);
}

/** Counts the lines that `pattern` finds, and wants the port's own line with its owner's pid among them. */
function lines(pattern) {
  return (stdout, { port, pid, sockets }) => {
    const found = stdout.split('\n').flatMap((line) => pattern.exec(line)?.groups ?? []);
    const owners = found.filter((each) => Number(each.port) === port).map((each) => Number(each.pid));
    if (!owners.includes(pid)) return `port ${port} is not shown with its owner, pid ${pid}`;
    return found.length < sockets ? `${found.length} sockets with owners instead of ${sockets}` : null;
  };
}

const SS_LISTENER = /^LISTEN .*?:(?<port>\d+)\s.*\bpid=(?<pid>\d+)/;
const SS_CONNECTION = /^ESTAB(?:\s+\d+){2}\s+\S+:(?<port>\d+)\s+\S+\s.*\bpid=(?<pid>\d+)/;
const LSOF_LISTENER = /^\S+\s+(?<pid>\d+)\s.*:(?<port>\d+) \(LISTEN\)$/;
const LIMIT_LINE = /^(?<port>\d+) (?<pid>\d+)$/;
const FLOOR_LINE = /^(?<port>\d+) (?<pid>\d+) /;

/** The one socket of one port, for peers that are given the port in question: any other line is a wrong answer. */
function one(pattern) {
  const check = lines(pattern);
  return (stdout, expected) => {
    const ports = stdout.split('\n').flatMap((line) => pattern.exec(line)?.groups.port ?? []);
    if (ports.length > 1) return `${ports.length} sockets instead of one`;
    return check(stdout, { ...expected, sockets: 1 });
  };
}

/** `ss -tan` names no owners: a single connection with the port at this end. */
function ssConnection(stdout, { port }) {
  const [, ...found] = stdout.trim().split('\n');
  const [state, , , local] = found[0]?.split(/\s+/) ?? [];
  if (found.length !== 1) return `${found.length} sockets instead of one`;
  return state === 'ESTAB' && local?.endsWith(`:${port}`) ? null : `port ${port} is not shown as connected`;
}

/** The load's holder of the port is of this kind, and its owner follows before the next holder. */
function whoText(kind) {
  return (stdout, { port, pid }) => {
    const holders = stdout
      .split(/\n(?=\S)/)
      .filter((text) => new RegExp(`^${kind} +tcp +\\S+:${port} `).test(text));
    if (holders.length === 0) return `no ${kind} on port ${port}`;
    const named = holders.some((text) => new RegExp(`^ {2}\\S+, pid ${pid},`, 'm').test(text));
    return named ? null : `pid ${pid} is not named as its owner`;
  };
}

function listText(stdout, { port, pid }) {
  return new RegExp(`^\\s*${port}/tcp\\s+listener\\s+\\S+\\s+load ${pid}\\s`, 'm').test(stdout)
    ? null
    : `no row with port ${port} and its owner, pid ${pid}`;
}

function listJson(stdout, { port, pid, sockets }) {
  const { format, holders } = JSON.parse(stdout);
  if (format !== 'portolan.list/1') return `the format is ${format}`;
  const owned = holders.filter(
    (each) =>
      each.kind === 'listener' && each.namespace === null && each.owners.some((owner) => !owner.inferred),
  );
  const wanted = owned.find((each) => each.local.port === port);
  if (!wanted?.owners.some((owner) => owner.pid === pid))
    return `port ${port} is not shown with its owner, pid ${pid}`;
  return owned.length < sockets ? `${owned.length} listeners with owners instead of ${sockets}` : null;
}

const nothing = (stdout) => (stdout === '' ? null : 'output where there should be none');

const onePort = [
  portolan(['who', String(PORT)], whoText('listener'), { short: 'who' }),
  peer('ss', ['-ltnp', `sport = :${PORT}`], one(SS_LISTENER)),
  peer('lsof', ['-nP', '-i', `:${PORT}`], one(LSOF_LISTENER)),
];

/** What every program on Node takes before its first line. */
const bareNode = peer('node', ['-e', '0'], nothing, { short: 'node -e 0' });

const onePortInACrowd = [
  ...onePort,
  limit(['one', String(PORT)], one(LIMIT_LINE)),
  floor(['one', String(PORT)]),
  bareNode,
];

const oneConnection = [
  portolan(['who', String(PORT)], whoText('connection'), { short: 'who' }),
  peer('ss', ['-tan', `sport = :${PORT}`], ssConnection),
  peer('ss', ['-tanp', `sport = :${PORT}`], one(SS_CONNECTION), { short: 'ss -p' }),
  limit(['one', String(PORT)], one(LIMIT_LINE)),
  bareNode,
];

const allSockets = [
  portolan(['list', '--json'], listJson, {
    label: 'portolan list --json, first load',
    short: 'first load',
    cache: 'empty',
    streams: true,
  }),
  portolan(['list', '--json'], listJson, { streams: true }),
  portolan(['list', '--json', '--no-bpf'], listJson, { streams: true }),
  peer('ss', ['-ltnp'], lines(SS_LISTENER)),
  peer('lsof', ['-nP', '-iTCP', '-sTCP:LISTEN'], lines(LSOF_LISTENER)),
  limit(['all'], lines(LIMIT_LINE)),
  floor(['all']),
];

/** Every case, in the order it is run; those with the same load are neighbours and share it. */
export const CASES = [
  {
    name: 'quiet',
    title: 'Quiet host, one listener',
    load: QUIET,
    commands: [...onePort, portolan(['list'], listText), floor(['one', String(PORT)]), bareNode],
  },
  {
    name: 'quiet-single',
    title: 'Quiet host, one listener, by the single file',
    load: QUIET,
    commands: [single(['who', String(PORT)], whoText('listener')), ...onePort, bareNode],
  },
  {
    name: 'crowd-one',
    title: 'One port among 45,000 listeners of 50 processes',
    load: CROWD,
    commands: onePortInACrowd,
  },
  {
    name: 'crowd-all',
    title: 'All sockets with owners: 45,000 listeners of 50 processes',
    load: CROWD,
    commands: allSockets,
  },
  {
    name: 'giant-one',
    title: 'One port of a process with 19,000 listeners, 500 idle ones beside it',
    load: GIANT,
    commands: onePortInACrowd,
  },
  {
    name: 'giant-all',
    title: 'All sockets with owners: 19,000 of one process, 500 idle ones beside it',
    load: GIANT,
    commands: allSockets,
  },
  {
    name: 'busy-one',
    title: 'One port among 40,000 connections and 14,000 sockets in TIME_WAIT',
    load: BUSY,
    commands: oneConnection,
  },
];
