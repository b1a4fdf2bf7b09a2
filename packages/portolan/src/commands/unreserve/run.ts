// `portolan unreserve PORTS`: the plan, or with --apply the change and its proof.
import type { Run } from '../../command.ts';
import { runReservation } from '../../reserve.ts';

export const run: Run = (context) => runReservation(context, 'unreserve');
