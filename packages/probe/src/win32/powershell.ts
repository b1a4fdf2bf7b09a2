// PowerShell's objects as JSON: the sockets where no native code can be had, and those that only PowerShell lists. The words
// of the display language stand in none of it.
import type { Owner, PortRange, Socket, Transport } from '@portolan/core';
import { inRange } from '@portolan/core';
import { asArray, asObject, parseJson } from '../parse/json-shape.ts';
import { DOCUMENTS } from '../parse/printed/documents.ts';
import { readPrinted } from '../parse/printed/reader.ts';
import type { ToolRun, ToolRunner } from './run-tool.ts';

/** Each list on a line of its own; an array of one stays an array with -InputObject. */
const PRELUDE =
  "$ErrorActionPreference='SilentlyContinue';$ProgressPreference='SilentlyContinue';[Console]::OutputEncoding=[Text.Encoding]::UTF8;";
const TCP_FIELDS =
  "LocalAddress,LocalPort,RemoteAddress,RemotePort,@{n='State';e={[int]$_.State}},OwningProcess";

function listed(objects: string): string {
  return `ConvertTo-Json -Compress -Depth 2 -InputObject @(${objects});`;
}

const EVERYTHING =
  PRELUDE +
  // Without these commands (Windows 7) nothing is a list of nothing.
  'if(-not(Get-Command Get-NetTCPConnection)){exit 3};' +
  listed(`Get-NetTCPConnection|Select-Object ${TCP_FIELDS}`) +
  listed('Get-NetUDPEndpoint|Select-Object LocalAddress,LocalPort,OwningProcess') +
  listed(
    "Get-Process|Select-Object Id,ProcessName,Path,@{n='Started';e={$_.StartTime.ToUniversalTime().ToString('o')}}",
  );

/** The arguments of a script; its text holds nothing from outside. */
export function scriptArguments(script: string): string[] {
  return ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', script];
}

/** Sockets with owners, as far as PowerShell tells them. */
export interface PowerShellReading {
  readonly sockets: readonly Socket[];
  /** Names of all processes. */
  readonly names: readonly string[];
}

/** Every socket; or why there is no answer. */
export async function readByPowerShell(
  run: ToolRunner,
  ports: PortRange | null,
  transports: readonly Transport[],
): Promise<PowerShellReading | { readonly reason: string }> {
  const result = await run('powershell', scriptArguments(EVERYTHING));
  if (!result.ok) return { reason: result.reason };
  const [tcp, udp, processes] = result.text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (tcp === undefined || udp === undefined || processes === undefined) return { reason: 'EBADMSG' };
  const sockets: Socket[] = [];
  for (const text of [tcp, udp]) {
    const read = readPrinted(text, { as: 'powershell-json', documents: DOCUMENTS });
    if (read.unknownCount > 0) return { reason: 'EBADMSG' };
    sockets.push(...read.sockets);
  }
  const known = processesOf(processes);
  if (known === null) return { reason: 'EBADMSG' };
  return {
    sockets: withoutShadows(sockets)
      .filter(({ transport }) => transports.includes(transport))
      .filter(({ local }) => local.port !== 0 && (ports === null || inRange(local.port, ports)))
      .map((socket) => ({
        ...socket,
        owners: socket.owners.map((owner) => ({ ...owner, ...known.get(owner.pid) })),
      })),
    names: [...known.values()].map(({ name }) => name),
  };
}

/** TCP sockets that are bound and neither listen nor connect; null where PowerShell does not answer. */
export async function readBound(run: ToolRunner, ports: PortRange): Promise<readonly Socket[] | null> {
  const all = `Get-NetTCPConnection|Where-Object{$_.LocalPort -ge ${ports[0]} -and $_.LocalPort -le ${ports[1]}}`;
  const script = `${PRELUDE}if(-not(Get-Command Get-NetTCPConnection)){exit 3};${listed(`${all}|Select-Object ${TCP_FIELDS}`)}`;
  const result: ToolRun = await run('powershell', scriptArguments(script));
  if (!result.ok || result.text.trim() === '') return null;
  const read = readPrinted(result.text.trim(), { as: 'powershell-json', documents: DOCUMENTS });
  if (read.unknownCount > 0) return null;
  return withoutShadows(read.sockets).filter(
    ({ state, local }) => state === 'BOUND' && inRange(local.port, ports),
  );
}

/** PowerShell lists the bind of every connection beside it, as a socket that is bound: those hold nothing of their own. */
function withoutShadows(sockets: readonly Socket[]): Socket[] {
  const key = ({ family, local, owners }: Socket): string => `${family} ${local.port} ${owners[0]?.pid ?? 0}`;
  const others = new Set(
    sockets.filter(({ state, transport }) => transport === 'tcp' && state !== 'BOUND').map(key),
  );
  return sockets.filter((socket) => socket.state !== 'BOUND' || !others.has(key(socket)));
}

type ProcessWords = Pick<Owner, 'name' | 'exe' | 'startedAt'>;

function processesOf(text: string): Map<number, ProcessWords> | null {
  const known = new Map<number, ProcessWords>();
  try {
    for (const entry of asArray(parseJson(text, 'Get-Process'), 'Get-Process')) {
      const value = asObject(entry, 'process');
      const { Id: pid, ProcessName: name, Path: path, Started: started } = value;
      if (typeof pid !== 'number' || typeof name !== 'string') continue;
      const exe = typeof path === 'string' && path !== '' ? path : null;
      const date = new Date(typeof started === 'string' ? started : Number.NaN);
      known.set(pid, {
        name: exe === null ? name : exe.slice(exe.lastIndexOf('\\') + 1),
        exe,
        startedAt: Number.isNaN(date.getTime()) ? null : date.toISOString(),
      });
    }
  } catch {
    return null;
  }
  return known;
}
