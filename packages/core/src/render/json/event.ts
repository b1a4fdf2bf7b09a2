// The JSON output of a watch, version 1: one event a line.
import type { ChangeKind, WatchEvent } from '../../model/event.ts';
import { type HolderV1, holderJson } from './v1.ts';

export interface EventV1 {
  readonly format: 'portolan.event/1';
  readonly at: string;
  readonly change: ChangeKind;
  readonly holder: HolderV1;
}

/** `portolan watch --json`, one line of it. */
export function eventJson({ at, change, holder }: WatchEvent): EventV1 {
  return { format: 'portolan.event/1', at, change, holder: holderJson(holder) };
}
