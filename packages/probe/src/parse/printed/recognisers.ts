// The table of what is recognised by its lines.
import { dockerTable } from './docker-table.ts';
import { lsof } from './lsof.ts';
import { lsofFields } from './lsof-fields.ts';
import { netsh } from './netsh.ts';
import { netstat } from './netstat.ts';
import { netstatBsd } from './netstat-bsd.ts';
import { netstatWindows } from './netstat-windows.ts';
import { nmapGrepable } from './nmap.ts';
import type { Recogniser } from './row.ts';
import { ss } from './ss.ts';

/** Where two could take a line, the first does. */
export const RECOGNISERS: readonly Recogniser[] = [
  ss,
  netstatBsd,
  netstat,
  netstatWindows,
  netsh,
  lsof,
  nmapGrepable,
  dockerTable,
  lsofFields,
];
