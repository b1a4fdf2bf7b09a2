// The completion script for bash, 3.2 and newer, with or without the bash-completion package.
import type { CommandSpec } from '../command.ts';
import type { Flag } from '../flags.ts';
import { firstFlags, flagsOf, type Table } from './table.ts';
import { flagTakes, LIVE, operandsOf, type Takes } from './takes.ts';

const HEAD = `# bash completion for portolan; made by: portolan completion bash
# Ports in use and names are asked of portolan itself; it is found on PATH, never where the command line says.

# Takes lines of "word<TAB>description". Readline puts the words on the line as they are, where "$(" and blanks would be
# read by bash: what was not typed so far is quoted. Behind a beginning that is not plain, only plain words follow.
_portolan_live() {
  local line word typed odd='*[!A-Za-z0-9_./:,@%+=-]*'
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    typed=''
    [[ $word == "$cur"* ]] && typed=$cur
    if [[ \${word#"$typed"} == $odd ]]; then
      [[ $typed == $odd ]] && continue
      printf -v word '%s%q' "$typed" "\${word#"$typed"}"
    fi
    [[ $word == '' ]] || COMPREPLY+=("$word")
  done < <(command portolan complete -- "\${words[@]}" 2>/dev/null)
}

_portolan_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$cur"))
}

_portolan() {
  # Whatever the shell at hand has set of its own: words are parted by blanks, and an empty list is one ("set -u").
  local cur prev cmd='' i word from IFS=$' \\t\\n'
  local -a words=()
  COMPREPLY=()
  # Readline takes words apart at ":" and "="; here they are whole again, a flag and its value apart.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    from=$((\${#words[@]} - 1))
    if ((from >= 0)) && [[ $word == '=' && \${words[from]} == --* ]]; then
      words+=('')
    elif ((from >= 0)) && [[ $word == ':'* || \${words[from]} == *':' ||
      (\${COMP_WORDS[i - 1]} == '=' && \${words[from]} == '') ]]; then
      words[from]+=$word
    else
      words+=("$word")
    fi
  done
  from=$((\${#words[@]} - 1))
  cur=\${words[from]}
  prev=''
  ((from > 0)) && prev=\${words[from - 1]}
`;

const TAIL = `  # Readline replaces what follows the last ":" alone.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local before=\${cur%"\${cur##*:}"}
    for i in "\${!COMPREPLY[@]}"; do
      COMPREPLY[i]=\${COMPREPLY[i]#"$before"}
    done
  fi
}

complete -F _portolan portolan
`;

/** The script. */
export function bashScript(table: Table): string {
  const first = firstFlags(table);
  return [
    HEAD,
    ...commandSearch(first),
    '  case $cmd in',
    ...table.commands.map((spec) => branch(spec.name, spec, table.shared, [])),
    branch(
      "''",
      { ...table.port, flags: table.alone.flags },
      table.shared,
      table.commands.map(({ name }) => name),
    ),
    branch('*', table.port, table.shared, []),
    '  esac',
    TAIL,
  ].join('\n');
}

/** The first word that is neither a flag nor a flag's value; \`--\` ends what is ours. */
function commandSearch(flags: readonly Flag[]): string[] {
  const valued = flags.filter(takesValue).map(({ name }) => `--${name}`);
  return [
    '  for ((i = 0; i < from; i++)); do',
    '    case ${words[i]} in',
    `      ${valued.join(' | ')}) ((i++)) ;;`,
    '      --)',
    '        if declare -F _command_offset >/dev/null; then',
    // The words of bash-completion count from the program's own name.
    '          _command_offset $((i + 2))',
    '        elif ((i + 1 == from)); then',
    '          _portolan_files -c',
    '        else',
    '          _portolan_files -f',
    '        fi',
    '        return',
    '        ;;',
    '      -*) ;;',
    '      *)',
    '        cmd=${words[i]}',
    '        break',
    '        ;;',
    '    esac',
    '  done',
    "  if [[ $cmd != '' ]]; then",
    '    for ((; i < from; i++)); do',
    '      [[ ${words[i]} == -- ]] || continue',
    '      if declare -F _command_offset >/dev/null; then',
    '        _command_offset $((i + 2))',
    '      elif ((i + 1 == from)); then',
    '        _portolan_files -c',
    '      else',
    '        _portolan_files -f',
    '      fi',
    '      return',
    '    done',
    '  fi',
    '',
  ];
}

function branch(
  pattern: string,
  spec: CommandSpec,
  shared: readonly Flag[],
  words: readonly string[],
): string {
  const flags = flagsOf(spec, { shared });
  const names = flags.flatMap(({ name, short }) =>
    short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`],
  );
  const { takes } = operandsOf(spec);
  const operand = takes === null ? [] : action(takes);
  return [
    `    ${pattern})`,
    '      case $prev in',
    ...flags
      .filter(takesValue)
      .map((flag) => `        --${flag.name}) ${action(flagTakes(flag)).join('; ') || ':'} ;;`),
    '        *)',
    '          if [[ $cur == -* ]]; then',
    `            COMPREPLY=($(compgen -W '${names.join(' ')}' -- "$cur"))`,
    '          else',
    ...(words.length === 0 ? [] : [`            COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$cur"))`]),
    ...(operand.length === 0 && words.length === 0
      ? ['            :']
      : operand.map((line) => `            ${line}`)),
    '          fi',
    '          ;;',
    '      esac',
    '      ;;',
  ].join('\n');
}

/** May the value stand in a word of its own? */
export function takesValue(flag: Flag): boolean {
  return flag.value !== null && flag.optional !== true;
}

/** What bash knows by itself. */
const OWN: Readonly<Partial<Record<string, string>>> = {
  files: '_portolan_files -f',
  folders: '_portolan_files -d',
  hosts: 'COMPREPLY=($(compgen -A hostname -- "$cur"))',
  users: 'COMPREPLY=($(compgen -u -- "$cur"))',
};

function action(takes: Takes): string[] {
  if (LIVE.has(takes)) return ['_portolan_live'];
  if (typeof takes !== 'string') return [`COMPREPLY=($(compgen -W '${takes.join(' ')}' -- "$cur"))`];
  const own = OWN[takes];
  return own === undefined ? [] : [own];
}
