// The completion script for PowerShell, 5.0 and newer.
import type { Flag } from '../flags.ts';
import { takesValue } from './bash.ts';
import { firstFlags, type Table } from './table.ts';
import { flagTakes, LIVE, operandsOf, type Takes } from './takes.ts';

const TAIL = `
Register-ArgumentCompleter -Native -CommandName portolan -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # The words before the cursor, without the program's name, and what has been written of the one it is in.
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        Select-Object -Skip 1 |
        ForEach-Object { $_.Extent.Text })
    $current = [string]$wordToComplete
    $before = $words
    if ($current -ne '' -and $words.Count -gt 0) {
        $before = @($words | Select-Object -First ($words.Count - 1))
    }
    # What follows -- is another program's.
    if ($before -contains '--') { return }

    $command = ''
    $skip = $false
    foreach ($word in $before) {
        if ($skip) { $skip = $false; continue }
        if ($valued -contains $word) { $skip = $true; continue }
        if ($word -like '-*') { continue }
        $command = $word
        break
    }
    $own = if ($table.ContainsKey($command)) { $table[$command] } else { $table['PORT'] }
    $named = @($own.Flags | ForEach-Object { $_.Name })
    $flags = $own.Flags + @($shared | Where-Object { $named -notcontains $_.Name })
    $previous = if ($before.Count -gt 0) { $before[$before.Count - 1] } else { '' }
    $flag = $flags | Where-Object { $_.Name -eq $previous -and $null -ne $_.Takes } | Select-Object -First 1

    $takes = $own.Takes
    if ($null -ne $flag) {
        $takes = $flag.Takes
    } elseif ($current -like '-*') {
        $flags | Where-Object { $_.Name -like "$current*" } | ForEach-Object {
            [System.Management.Automation.CompletionResult]::new($_.Name, $_.Name, 'ParameterName', $_.Summary)
        }
        return
    } elseif ($command -eq '') {
        $table.Keys | Where-Object { $_ -cmatch '^[a-z]' -and $_ -like "$current*" } | Sort-Object | ForEach-Object {
            [System.Management.Automation.CompletionResult]::new($_, $_, 'Command', $table[$_].Summary)
        }
    }

    if ($takes -eq 'live') {
        # An empty word at the end is lost to programs by PowerShell before 7.3; it is written as a quoted nothing there.
        $last = if ($current -eq '' -and $PSVersionTable.PSVersion -lt [version]'7.3') { '""' } else { $current }
        & portolan complete -- @before $last 2>$null | ForEach-Object {
            $word, $what = $_ -split "\`t", 2
            if (-not $what) { $what = $word }
            # It is put on the line as it is, where "$(" and blanks would be read by PowerShell.
            $text = $word
            if ($word -notmatch '^[A-Za-z0-9_./:,%+=\\[\\]-]+$') {
                $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($word) + "'"
            }
            [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $what)
        }
    } elseif ($takes -eq 'files') {
        [System.Management.Automation.CompletionCompleters]::CompleteFilename($current)
    } else {
        $takes | Where-Object { $_ -and $_ -like "$current*" } | ForEach-Object {
            [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
        }
    }
}
`;

/** The script. */
export function powershellScript(table: Table): string {
  const valued = firstFlags(table).filter(takesValue);
  return [
    '# PowerShell completion for portolan; made by: portolan completion powershell',
    '',
    `$valued = ${list(valued.map(({ name }) => `--${name}`))}`,
    `$shared = @(`,
    ...table.shared.map((flag) => `    ${flagLine(flag)}`),
    ')',
    '$table = @{',
    ...table.commands.map((spec) => row(spec.name, spec.summary, spec.flags, operandsOf(spec).takes)),
    row('', '', table.alone.flags, 'ports'),
    row('PORT', '', table.port.flags, null),
    '}',
    TAIL.trimStart(),
  ].join('\n');
}

function row(name: string, summary: string, flags: readonly Flag[], takes: Takes | null): string {
  return [
    `    ${quoted(name)} = @{`,
    `        Summary = ${quoted(summary)}`,
    `        Takes = ${words(takes)}`,
    '        Flags = @(',
    ...flags.map((flag) => `            ${flagLine(flag)}`),
    '        )',
    '    }',
  ].join('\n');
}

function flagLine(flag: Flag): string {
  const takes = takesValue(flag) ? words(flagTakes(flag)) : '$null';
  return `@{ Name = ${quoted(`--${flag.name}`)}; Takes = ${takes}; Summary = ${quoted(flag.summary)} }`;
}

/** What a value can be: words, 'live' for what portolan is asked, 'files', or nothing that can be offered. */
function words(takes: Takes | null): string {
  if (takes === null) return '@()';
  if (LIVE.has(takes)) return "'live'";
  if (typeof takes !== 'string') return list(takes);
  return takes === 'files' || takes === 'folders' ? "'files'" : '@()';
}

function list(items: readonly string[]): string {
  return `@(${items.map(quoted).join(', ')})`;
}

/** In single quotes; PowerShell takes typographic ones for them as well. */
function quoted(text: string): string {
  return `'${text.replace(/['‘’‚‛]/g, '$&$&')}'`;
}
