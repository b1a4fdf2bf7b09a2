// `portolan reserve PORTS`: the plan, or with --apply the change and its proof.

import { runReservation } from '../../collisions/reserve.ts';
import type { Run } from '../../command.ts';

export const run: Run = (context) => runReservation(context, 'reserve');
