// The cases: which load, which commands side by side, and what each answer must contain to count as one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../tools/setup.mjs';
import { which } from './machine.mjs';

const PACKAGE = join(ROOT, 'packages', 'portolan');
const BIN = join(PACKAGE, JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')).bin.portolan);

/** The port in question: the last listener of the middle process of every load. */
const PORT = 60163;

const QUIET = { holders: 1, listeners: 1, idle: 0, fds: 0, port: PORT };
const CROWD = { holders: 50, listeners: 900, idle: 0, fds: 0, port: PORT };
const GIANT = { holders: 1, listeners: 19_000, idle: 500, fds: 20, port: PORT };

/*
 * A command has a label, a role (`ours` is set beside every `peer`), the program's name, its arguments, and
 * `check(stdout, expected)`, which returns what is wrong with an answer, or null. `expected` is { port, pid,
 * sockets }: the port in question, its owner, and how many listening sockets there are at least.
 */

function portolan(args, check, more = {}) {
  return {
    label: `portolan ${args.join(' ')}`,
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

/** Where a command's program is; null where it is not installed. `own` names the programs made for this run. */
export function locate(command, own) {
  if (command.program === 'node') return process.execPath;
  if (command.program === 'limit') return own('limit');
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

const ssLines = lines(/^LISTEN .*?:(?<port>\d+)\s.*\bpid=(?<pid>\d+)/);
const lsofLines = lines(/^\S+\s+(?<pid>\d+)\s.*:(?<port>\d+) \(LISTEN\)$/);
const limitLines = lines(/^(?<port>\d+) (?<pid>\d+)$/);

/** The one owner of one port: every line with another port would be a wrong answer, none is a missing one. */
function one(check) {
  return (stdout, expected) => check(stdout, { ...expected, sockets: 1 });
}

function whoText(stdout, { port, pid }) {
  if (!new RegExp(`^listener\\s+tcp\\s+\\S+:${port}\\s`, 'm').test(stdout))
    return `no listener on port ${port}`;
  return new RegExp(`\\bpid ${pid}\\b`).test(stdout) ? null : `pid ${pid} is not named`;
}

/** The table of `list` names programs, not their pids: one row with the port and the load's name. */
function listText(stdout, { port }) {
  return new RegExp(`^\\s*${port}/tcp\\s+listener\\s+\\S+\\s+load\\b`, 'm').test(stdout)
    ? null
    : `no row with port ${port} and its owner`;
}

function listJson(stdout, { port, pid, sockets }) {
  const { format, holders } = JSON.parse(stdout);
  if (format !== 'portolan.list/1') return `the format is ${format}`;
  const owned = holders.filter(
    (each) => each.kind === 'listener' && each.owners.some((owner) => !owner.inferred),
  );
  const wanted = owned.find((each) => each.local.port === port);
  if (!wanted?.owners.some((owner) => owner.pid === pid))
    return `port ${port} is not shown with its owner, pid ${pid}`;
  return owned.length < sockets ? `${owned.length} listeners with owners instead of ${sockets}` : null;
}

const nothing = (stdout) => (stdout === '' ? null : 'output where there should be none');

const onePort = [
  portolan(['who', String(PORT)], whoText),
  peer('ss', ['-ltnp', `sport = :${PORT}`], one(ssLines)),
  peer('lsof', ['-nP', '-i', `:${PORT}`], one(lsofLines)),
];

const onePortInACrowd = [...onePort, limit(['one', String(PORT)], one(limitLines))];

const allSockets = [
  portolan(['list', '--json'], listJson),
  portolan(['list', '--json'], listJson, { label: 'portolan list --json, no BPF', noBpf: true }),
  peer('ss', ['-ltnp'], ssLines),
  peer('lsof', ['-nP', '-iTCP', '-sTCP:LISTEN'], lsofLines),
  limit(['all'], limitLines),
];

/** Every case, in the order it is run; those with the same load are neighbours and share it. */
export const CASES = [
  {
    name: 'quiet',
    title: 'Quiet host, one listener',
    load: QUIET,
    commands: [
      ...onePort,
      portolan(['list'], listText),
      {
        label: 'node -e 0',
        short: 'node -e 0',
        role: 'peer',
        program: 'node',
        args: ['-e', '0'],
        check: nothing,
      },
    ],
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
];
