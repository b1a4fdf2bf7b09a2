// Which sysctl.d(5) file has the last word at boot, for each of the two programs that read them.
import type { PortRange } from '../model/port.ts';
import type { BootFile, BootReader, BootValue } from '../model/reserve.ts';
import { joinRanges } from './port-set.ts';

/**
 * The files in the order in which they are applied: by name, whatever their folder; of files of one name only that of
 * the first folder. sysctl(8) reads /etc/sysctl.conf after all of them.
 */
export function bootOrder(files: readonly BootFile[], reader: BootReader): BootFile[] {
  const byName = new Map<string, BootFile>();
  for (const file of files) {
    if (file.last) continue;
    const other = byName.get(file.name);
    if (other === undefined || file.rank < other.rank) byName.set(file.name, file);
  }
  const ordered = [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return reader === 'sysctl' ? [...ordered, ...files.filter(({ last }) => last)] : ordered;
}

/** What stands in the list once they are applied: every value replaces the one before; the kernel refuses bad ones. */
export function bootValue(files: readonly BootFile[], reader: BootReader): BootValue {
  let found: BootValue = { ranges: [], path: null };
  for (const { path, settings } of bootOrder(files, reader)) {
    for (const { ranges } of settings) if (ranges !== null) found = { ranges: joinRanges(ranges), path };
  }
  return found;
}

/** Files whose entries count at boot for either reader, masked ones left out. */
export function filesThatSet(files: readonly BootFile[]): BootFile[] {
  return bootOrder(files, 'sysctl').filter(({ settings }) => settings.length > 0);
}

/** All ports that these files name. */
export function rangesOf(files: readonly BootFile[]): PortRange[] {
  return joinRanges(files.flatMap(({ settings }) => settings.flatMap(({ ranges }) => ranges ?? [])));
}
