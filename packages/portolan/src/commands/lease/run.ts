// `portolan lease NAME`: the name's port, for scripts the number alone.
import { leasedPage, leaseJson, PortolanError, type ProcessMark } from '@portolan/core';
import type { ProcessMarks } from '@portolan/probe';
import type { Run } from '../../command.ts';
import { echo } from '../../flags.ts';
import { projectOf } from '../../leases/project.ts';
import { noneLeft, tellGaps } from '../../leases/told.ts';
import { pickTools, readList, readNear, readTransport, viewLeases } from '../../pick-tools.ts';
import { checkLifted, checkName, takeLease } from '../../picking.ts';
import { showJson, showPage } from '../../show.ts';

export const run: Run = async (context) => {
  const { values, positionals } = context.args;
  const [name, second] = positionals;
  if (name === undefined)
    throw new PortolanError('USAGE', 'A name is missing.', { hint: 'As in: portolan lease web' });
  if (second !== undefined) {
    throw new PortolanError(
      'USAGE',
      `One name is asked for, and “${echo(name)}” and “${echo(second)}” were given.`,
    );
  }
  checkName(name);
  const near = await readNear(context);
  const transport = readTransport(values.get('transport'));
  const lifted = checkLifted(readList(values.get('allow')));
  const tools = await pickTools(context);
  const project = projectOf(values.get('project') ?? process.cwd(), tools.uid);
  const holder = holderOf(values.get('pid'), tools.marks);
  const taken = await takeLease({ name, project, transport, near, lifted, holder }, tools);
  if (taken.lease === null) throw noneLeft(taken.refused, context.lang);
  const { lease, fresh, gaps } = taken;
  if (!context.json && !context.io.stdoutIsTerminal) {
    context.io.out(`${lease.port}\n`);
    tellGaps(context, gaps);
    return 0;
  }
  const [view] = await viewLeases([lease], tools);
  if (view === undefined) throw new Error('a lease without a view');
  if (context.json) showJson(context, leaseJson(view, fresh, gaps, context.lang));
  else showPage(context, leasedPage(view, { fresh, near: taken.near?.text ?? null, gaps }));
  return 0;
};

function holderOf(raw: string | undefined, marks: ProcessMarks): ProcessMark {
  const pid = raw === undefined ? process.ppid : /^[1-9]\d{0,9}$/.test(raw) ? Number(raw) : Number.NaN;
  const mark = Number.isNaN(pid) ? null : marks.of(pid);
  if (mark !== null) return mark;
  if (raw !== undefined) throw new PortolanError('USAGE', `--pid: there is no process “${echo(raw)}”.`);
  // Whoever called has ended meanwhile: the lease then stands for its name alone.
  const own = marks.of(process.pid);
  if (own === null) throw new Error('this process has no mark');
  return own;
}
