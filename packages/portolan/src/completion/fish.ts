// The completion script for fish, 3.0 and newer.
import type { CommandSpec } from '../command.ts';
import type { Flag } from '../flags.ts';
import { takesValue } from './bash.ts';
import { firstFlags, type Table } from './table.ts';
import { flagTakes, LIVE, operandsOf, type Takes } from './takes.ts';

const HEAD = `# fish completion for portolan; made by: portolan completion fish
# Ports in use and names are asked of portolan itself; it is found on PATH, never where the command line says.

function __portolan_live
    set -l words (commandline -opc) (commandline -ct)
    command portolan complete -- $words[2..] 2>/dev/null
end

# The command that has been written, or the port; fails where there is none yet.
function __portolan_word
    set -l words (commandline -opc)
    set -l value 0
    for word in $words[2..]
        if test $value = 1
            set value 0
            continue
        end
        switch $word
            case --
                return 1
            case VALUED
                set value 1
            case '-*'
            case '*'
                echo $word
                return 0
        end
    end
    return 1
end

function __portolan_none
    not __portolan_word >/dev/null
    and not __portolan_after
end

function __portolan_is
    contains -- (__portolan_word; or echo) $argv
    and not __portolan_after
end

function __portolan_port
    set -l word (__portolan_word)
    and not contains -- $word COMMANDS
end

# Is the cursor after "--", where another program's words are?
function __portolan_after
    contains -- -- (commandline -opc)
end

function __portolan_other
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    set -l rest $words[(math $at + 1)..] (commandline -ct)
    complete -C "$rest"
end

complete -c portolan -f
complete -c portolan -n __portolan_after -a '(__portolan_other)'
`;

/** The script. */
export function fishScript(table: Table): string {
  const valued = firstFlags(table)
    .filter(takesValue)
    .map(({ name }) => `--${name}`);
  const names = table.commands.map(({ name }) => name);
  return [
    HEAD.replace('VALUED', valued.join(' ')).replace('COMMANDS', names.join(' ')),
    ...table.shared.map((flag) => flagLine(flag, 'not __portolan_after')),
    ...table.commands.map(
      ({ name, summary }) => `complete -c portolan -n __portolan_none -a ${name} -d ${quoted(summary)}`,
    ),
    `complete -c portolan -n __portolan_none -k -a '(__portolan_live)'`,
    ...table.alone.flags.map((flag) => flagLine(flag, '__portolan_none')),
    ...table.port.flags.map((flag) => flagLine(flag, '__portolan_port')),
    ...table.commands.flatMap(commandLines),
    '',
  ].join('\n');
}

function commandLines(spec: CommandSpec): string[] {
  const condition = `__portolan_is ${spec.name}`;
  const { takes } = operandsOf(spec);
  const operand = takes === null ? '' : action(takes);
  return [
    ...(operand === '' ? [] : [`complete -c portolan -n ${quoted(condition)} ${operand}`]),
    ...spec.flags.map((flag) => flagLine(flag, condition)),
  ];
}

function flagLine(flag: Flag, condition: string): string {
  const { name, short, value, summary } = flag;
  const words = value === null ? '' : takesValue(flag) ? valueOf(flagTakes(flag)) : '';
  const letter = short === undefined ? '' : ` -s ${short}`;
  return `complete -c portolan -n ${quoted(condition)} -l ${name}${letter}${words} -d ${quoted(summary)}`;
}

/** Files are offered by fish wherever a value is required and nothing else said. */
function valueOf(takes: Takes): string {
  return takes === 'files' ? ' -r -F' : ` -x ${action(takes)}`.trimEnd();
}

/** What fish knows by itself. */
const OWN: Readonly<Partial<Record<string, string>>> = {
  files: '-F',
  folders: `-a '(__fish_complete_directories)'`,
  hosts: `-a '(__fish_print_hostnames)'`,
  users: `-a '(__fish_complete_users)'`,
};

function action(takes: Takes): string {
  if (LIVE.has(takes)) return `-k -a '(__portolan_live)'`;
  if (typeof takes !== 'string') return `-a ${quoted(takes.join(' '))}`;
  return OWN[takes] ?? '';
}

/** In single quotes, in which fish knows \\' and \\\\ alone. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
