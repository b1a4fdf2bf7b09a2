// The completion script for zsh, by its _arguments.
import type { CommandSpec } from '../command.ts';
import type { Flag } from '../flags.ts';
import { firstFlags, flagsOf, type Table } from './table.ts';
import { flagTakes, LIVE, operandsOf, type Takes } from './takes.ts';

const HEAD = `#compdef portolan
# zsh completion for portolan; made by: portolan completion zsh
# Ports in use and names are asked of portolan itself; it is found on PATH, never where the command line says.

# Lines of "word<TAB>description", in the order they come.
_portolan_live() {
  local -a found lines
  local line
  lines=("\${(@f)$(command portolan complete -- "\${(@Q)portolan_words}" 2>/dev/null)}")
  for line in $lines; do
    [[ -n $line ]] || continue
    if [[ $line == *$'\\t'* ]]; then
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    else
      found+=("\${line//:/\\\\:}")
    fi
  done
  (( $#found )) && _describe -V 'port or name' found
}

_portolan_first() {
  local -a commands
  commands=(
`;

const MIDDLE = `  )
  _describe 'command' commands
  _portolan_live
}

_portolan() {
  local curcontext=$curcontext state line
  local -A opt_args
  local -a portolan_words
  portolan_words=("\${(@)words[2,CURRENT]}")
`;

/** The script. */
export function zshScript(table: Table): string {
  return [
    HEAD.trimEnd(),
    ...table.commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`),
    MIDDLE.trimEnd(),
    '  _arguments -C -s \\',
    ...firstFlags(table).map((flag) => `    ${argument(flag)} \\`),
    "    '1: :_portolan_first' \\",
    "    '*:: :->rest' && return",
    '  [[ $state == rest ]] || return',
    '  curcontext=${curcontext%:*:*}:portolan-$words[1]:',
    '  case $words[1] in',
    ...table.commands.map((spec) => branch(spec.name, spec, table.shared)),
    branch('*', { ...table.port, usage: '' }, table.shared),
    '  esac',
    '}',
    '',
    // As an autoloaded function this file is the function's body; sourced, it only defines.
    'if [[ $funcstack[1] == _portolan ]]; then',
    '  _portolan "$@"',
    'else',
    '  compdef _portolan portolan',
    'fi',
    '',
  ].join('\n');
}

function branch(pattern: string, spec: CommandSpec, shared: readonly Flag[]): string {
  const { takes, several, command } = operandsOf(spec);
  const operand =
    takes === null || takes === 'text' ? [] : [quoted(`${several ? '*' : '1'}: :${action(takes)}`)];
  // After \`--\`, whatever completes the other command.
  const rest = command ? [`'(-)*::: :_normal'`] : operand;
  const lines = flagsOf(spec, { shared }).map(argument);
  const call = (more: readonly string[]): string =>
    `_arguments -s ${['', ...lines, ...more].join(' \\\n        ').trimStart()}`;
  if (!command) return [`    ${pattern})`, `      ${call(rest)}`, '      ;;'].join('\n');
  return [
    `    ${pattern})`,
    '      if (( ${words[(I)--]} && ${words[(I)--]} < CURRENT )); then',
    '        shift ${words[(I)--]} words',
    '        (( CURRENT -= ${#portolan_words} - ${#words} ))',
    '        CURRENT=$#words',
    '        _normal',
    '      else',
    `        ${call(operand)}`,
    '      fi',
    '      ;;',
  ].join('\n');
}

/** A flag as _arguments wants it. */
function argument(flag: Flag): string {
  const { name, short, value, summary, repeats, optional } = flag;
  const text = `[${summary.replace(/[[\]\\:]/g, '\\$&')}]`;
  const takes =
    value === null
      ? ''
      : `${optional === true ? '::' : ':'}${value.toLowerCase().replaceAll(/[:[\]]/g, ' ')}:${action(flagTakes(flag))}`;
  const other =
    repeats === true ? '*' : `(${[...(short === undefined ? [] : [`-${short}`]), `--${name}`].join(' ')})`;
  const end = value === null ? '' : optional === true ? '=-' : '=';
  if (short === undefined) return quoted(`${other}--${name}${end}${text}${takes}`);
  return `${quoted(other)}{-${short},--${name}${end}}${quoted(`${text}${takes}`)}`;
}

/** What zsh knows by itself. */
const OWN: Readonly<Partial<Record<string, string>>> = {
  files: '_files',
  folders: '_files -/',
  hosts: '_hosts',
  users: '_users',
};

function action(takes: Takes): string {
  if (LIVE.has(takes)) return '_portolan_live';
  if (typeof takes !== 'string') return `(${takes.join(' ')})`;
  return OWN[takes] ?? ' ';
}

/** In single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
