// Whose tool prints so: the systems that output may come from, by what facts call them.
import type { PrintedFormat } from '@portolan/probe/printed';

/** Systems by form. Forms that tell nothing of the host's system have none. */
const SYSTEMS: Readonly<Partial<Record<PrintedFormat, readonly string[]>>> = {
  ss: ['Linux'],
  netstat: ['Linux'],
  'netstat-bsd': ['macOS', 'FreeBSD'],
  'netstat-windows': ['Windows'],
  netsh: ['Windows'],
  'powershell-json': ['Windows'],
  lsof: ['Linux', 'macOS'],
  'lsof-fields': ['Linux', 'macOS'],
  'lsof-json': ['Linux', 'macOS'],
  'osquery-json': ['Linux', 'macOS', 'Windows'],
  'docker-table': ['Linux'],
  'docker-json': ['Linux'],
  'kubectl-json': ['Linux'],
  'portolan-json': ['Linux'],
};

/** Where output of this form may come from. */
export function systemsOf(format: PrintedFormat): readonly string[] {
  return SYSTEMS[format] ?? [];
}
