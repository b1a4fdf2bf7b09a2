// Questions people ask about a port, answered from what is true of this one; none is asked that has no answer.
import { isWide } from '../../decide/claims.ts';
import type { Claim } from '../../model/claim.ts';
import { type Message, say } from '../../model/message.ts';
import type { PortReport } from '../../model/report.ts';
import { formatRange, type References } from '../report.ts';
import { data, type Inline, said } from '../tree.ts';
import { NEVER_SOURCE } from './claims.ts';
import { namesOf } from './disagree.ts';

/** One question with its answer. */
export interface Question {
  readonly question: Message;
  readonly answer: readonly Inline[];
}

/** The questions of one port. `live`: the report knows this host. */
export function questionsOf(report: PortReport, live: boolean, refs: References): Question[] {
  // Nothing is ever on port 0, so that it cannot be open, wanted or freed.
  if (report.port === 0) return [registered(report, refs), browsers(report)].filter((one) => one !== null);
  return [
    registered(report, refs),
    belongs(report, refs),
    dangerous(report),
    usable(report, live, refs),
    browsers(report),
    closing(report),
  ].filter((question) => question !== null);
}

const narrowOf = (report: PortReport): Claim[] => report.claims.filter((claim) => !isWide(claim));

function registered(report: PortReport, refs: References): Question {
  const { port, range } = report;
  const question = say('web.ask.registered', { port });
  if (!range.assignable) {
    return { question, answer: [said(say('web.answer.never')), data(' '), refs.mark(NEVER_SOURCE)] };
  }
  const registry = narrowOf(report).filter((claim) => claim.authority === 'registry');
  const assigned = registry.filter((claim) => claim.status !== 'reserved');
  const [first] = assigned;
  if (first !== undefined) {
    const message = say('web.answer.registered', {
      names: namesOf(assigned, 4),
      transports: [...new Set(assigned.flatMap((claim) => claim.transports))].join(', '),
    });
    return { question, answer: [said(message), data(' '), refs.mark(first.source)] };
  }
  const [held] = registry;
  if (held !== undefined) {
    return { question, answer: [said(say('web.answer.held')), data(' '), refs.mark(held.source)] };
  }
  return { question, answer: [said(say('web.answer.unregistered'))] };
}

/** "Is 60163 Xsan's?": asked where somebody's list names a whole range, which is read as if it named each number. */
function belongs({ port, claims }: PortReport, refs: References): Question | null {
  const wide = claims.filter((claim) => isWide(claim) && claim.authority === 'vendor');
  const narrow = claims.some((claim) => !isWide(claim));
  const names = [...new Map(wide.map((claim) => [claim.product ?? claim.service, claim])).entries()];
  const [last] = names.slice(-1);
  if (narrow || last === undefined) return null;
  const [product, claim] = names.find(([name]) => name === 'Xsan') ?? last;
  const message = say('web.answer.belongs', {
    port,
    product,
    vendor: claim.vendor ?? product,
    range: formatRange(claim.ports),
    count: claim.ports[1] - claim.ports[0] + 1,
    transports: claim.transports.join(', '),
  });
  return {
    question: say('web.ask.belongs', { port, product }),
    answer: [said(message), data(' '), refs.mark(claim.source)],
  };
}

function dangerous(report: PortReport): Question {
  const { port } = report;
  const unauthorised = report.claims.find((claim) => claim.unauthorizedUse !== undefined);
  const answer: Inline[] = [said(say('web.answer.dangerous'))];
  if (unauthorised !== undefined) answer.push(data(' '), said(say('web.answer.dangerous.record')));
  return { question: say('web.ask.dangerous', { port }), answer };
}

function usable(report: PortReport, live: boolean, refs: References): Question {
  const { port, host } = report;
  const question = say('web.ask.usable', { port });
  const answer: Inline[] = [];
  // A host may keep fewer ports for the privileged than Unix always did, or more.
  const privileged = port < ((live ? host.unprivilegedFrom : null) ?? 1024);
  if (live && report.risks.some(({ id }) => id === 'in-use')) {
    answer.push(said(say('web.answer.usable.inuse')), data(' '));
  }
  if (live && host.ephemeral !== null && host.inEphemeral === true) {
    const [first, last] = host.ephemeral;
    answer.push(
      said(
        say(host.isReserved === true ? 'web.answer.usable.reserved' : 'web.answer.usable.handed', {
          port,
          first,
          last,
        }),
      ),
    );
  } else {
    const elsewhere = report.risks.find((risk) => risk.id === 'ephemeral-elsewhere');
    if (elsewhere !== undefined) {
      answer.push(said(say('web.answer.usable.elsewhere')), data(' '), said(elsewhere.text));
      for (const id of elsewhere.sources) answer.push(data(' '), refs.mark(id));
    } else answer.push(said(say(privileged ? 'web.answer.usable.system' : 'web.answer.usable')));
  }
  const users = narrowOf(report).filter(
    (claim) => claim.authority !== 'observed' && claim.status !== 'reserved',
  );
  if (users.length > 0) {
    answer.push(data(' '), said(say('web.answer.usable.claimed', { names: namesOf(users, 3) })));
  }
  return { question, answer };
}

function browsers({ port, host }: PortReport): Question | null {
  if (!host.browserBlocked) return null;
  return {
    question: say('web.ask.browsers', { port }),
    answer: [said(say('web.answer.browsers', { port }))],
  };
}

function closing({ port }: PortReport): Question {
  return { question: say('web.ask.closing', { port }), answer: [said(say('web.answer.closing', { port }))] };
}
