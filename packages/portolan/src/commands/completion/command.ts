// `portolan completion SHELL`: its words and flags.
import type { CommandSpec } from '../../command.ts';

export const spec: CommandSpec = {
  name: 'completion',
  usage: 'completion bash|zsh|fish|powershell',
  summary: 'a script that completes commands, flags, ports in use and service names in your shell',
  flags: [],
  examples: [
    ['source <(portolan completion bash)', 'in ~/.bashrc: bash'],
    ['source <(portolan completion zsh)', 'in ~/.zshrc, after compinit: zsh'],
    ['portolan completion fish > ~/.config/fish/completions/portolan.fish', 'fish, once'],
    ['portolan completion powershell | Out-String | Invoke-Expression', 'in $PROFILE: PowerShell'],
  ],
  exits: '0',
};
