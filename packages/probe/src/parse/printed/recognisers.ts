// The table of what is recognised: tools whose output is lines, and documents.
import { dockerTable } from './docker.ts';
import { lsof } from './lsof.ts';
import { lsofFields } from './lsof-fields.ts';
import { netstat } from './netstat.ts';
import { netstatBsd } from './netstat-bsd.ts';
import { netstatWindows } from './netstat-windows.ts';
import { nmapGrepable, nmapXml } from './nmap.ts';
import type { Recogniser } from './row.ts';
import { ss } from './ss.ts';
import type { StreamRecogniser } from './stream.ts';

/** By lines; where two could take a line, the first does. */
export const RECOGNISERS: readonly Recogniser[] = [
  ss,
  netstatBsd,
  netstat,
  netstatWindows,
  lsof,
  nmapGrepable,
  dockerTable,
  lsofFields,
];

/** Documents that are not JSON. */
export const DOCUMENTS: readonly StreamRecogniser[] = [nmapXml];
