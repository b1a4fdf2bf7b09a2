// The change itself: drop-in beside its place, the list, the drop-in into place, and reading back; or everything as it was.
import {
  isAsPlanned,
  type PortRange,
  type ReserveFailure,
  type ReservePlan,
  type ReserveReport,
  readDropIn,
  withoutRanges,
} from '@portolan/core';
import type { Refused, Reservations } from '@portolan/probe';

/** How often it is tried again where somebody else replaces the list at the same time. */
const ATTEMPTS = 5;

/** Drop-in beside its place, then the list, then the drop-in into place: what fails leaves everything as it was. */
export function change(host: Reservations, { plan, state }: ReserveReport): ReserveFailure | null {
  const [file] = plan.files;
  const staged = file === undefined ? null : host.stageDropIn(file.new);
  if (staged !== null && 'code' in staged) return failureOf('file', staged, null);
  const before = state.list ?? [];
  const refused = changeList(host, plan);
  if (refused !== null) {
    staged?.abort();
    return refused;
  }
  const failed = staged?.commit() ?? null;
  if (failed === null) return null;
  const changed = plan.add.length > 0 || plan.remove.length > 0;
  return failureOf('file', failed, changed ? restore(host, plan, before) : null);
}

function changeList(host: Reservations, plan: ReservePlan): ReserveFailure | null {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const refused = writeChange(host, plan);
    if (refused !== null) return failureOf('list', refused, null);
    const now = host.list();
    if (now !== null && isAsPlanned(plan, now)) return null;
    // Somebody else replaced the list in between: what is theirs stays, and ours is joined to it again.
  }
  return failureOf('verify', null, null);
}

function writeChange(host: Reservations, { add, remove }: ReservePlan): Refused | null {
  if (add.length > 0) return host.addToList(add);
  if (remove.length === 0) return null;
  const now = host.list();
  return now === null ? { code: 'EIO', path: '' } : host.setList(withoutRanges(now, remove));
}

/** Takes back exactly what was changed, leaving what others did meanwhile. */
function restore(host: Reservations, { add, remove }: ReservePlan, before: readonly PortRange[]): boolean {
  const now = host.list() ?? before;
  const refused = add.length > 0 ? host.setList(withoutRanges(now, add)) : host.addToList(remove);
  return refused === null;
}

/** Folders go with the drop-in that they were made for. */
export function droppedFolders({ files }: ReservePlan): number {
  const [file] = files;
  return file === undefined || file.new !== null ? 0 : (readDropIn(file.old ?? '').block?.madeFolders ?? 0);
}

/** Are list and drop-in as planned? */
export function readBack(
  host: Reservations,
  { plan }: ReserveReport,
): { now: readonly PortRange[] | null; verified: boolean } {
  const now = host.list();
  const [file] = plan.files;
  const verified =
    now !== null && isAsPlanned(plan, now) && (file === undefined || host.dropInText() === file.new);
  return { now, verified };
}

/** A failure in the report's form. */
export function failureOf(
  step: ReserveFailure['step'],
  refused: Refused | null,
  restored: boolean | null,
  remedies: readonly string[] = [],
  pid: number | null = null,
): ReserveFailure {
  return { step, code: refused?.code ?? null, path: refused?.path ?? null, pid, restored, remedies };
}
