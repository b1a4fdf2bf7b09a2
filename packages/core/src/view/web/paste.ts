// The page that explains what other tools printed, and what it says of one holder.
import { concernsOf } from '../../decide/pasted.ts';
import type { SystemRange } from '../../model/claim.ts';
import { type Message, say } from '../../model/message.ts';
import type { Holder } from '../../model/report.ts';
import { formatEndpoint, redirectTarget, whoWords } from '../holder-words.ts';
import { said } from '../tree.ts';
import type { WebPage } from './tree.ts';

/** The page. `ranges` are those of current systems. */
export function pasteWebPage(ranges: readonly SystemRange[]): WebPage {
  return {
    path: '/paste',
    title: say('web.paste.title'),
    crumbs: [{ to: '/', text: say('web.nav.ports') }],
    heading: { words: say('web.paste.title') },
    lead: [[said(say('web.paste.lead'))], [said(say('web.paste.nothing-sent'), 'strong')]],
    counts: [],
    ruler: null,
    main: [{ id: 'paste', title: say('web.paste.output'), blocks: [{ kind: 'paste', ranges }] }],
    rail: [],
    sources: [],
    index: true,
    data: null,
    canonical: null,
    term: null,
    asks: false,
    islands: ['paste'],
  };
}

/** What names.json has of a port. */
interface Names {
  readonly registry: string;
  readonly other: string;
  readonly more: boolean;
}

/** One holder, explained. */
export interface PastedHolder {
  /** What kind of hold, in a word, and what that means. */
  readonly kind: Message;
  readonly means: Message;
  /** `tcp 0.0.0.0:22`; where it leads, for a connection or a rule. */
  readonly place: string;
  readonly way: Message | null;
  /** Null where that was not printed, or cannot be. */
  readonly who: Message | null;
  /** Ports that it is about, and what each is said to carry: its own, and for a connection the other end's. */
  readonly ports: readonly { readonly port: number; readonly carries: readonly Message[] }[];
  /** What could be wrong. */
  readonly concerns: readonly Message[];
  /** What is fine. */
  readonly calm: Message | null;
}

/** Explains a holder on one of `systems`. */
export function pastedHolder(
  holder: Holder,
  names: ReadonlyMap<number, Names>,
  systems: readonly SystemRange[],
): PastedHolder {
  const { kind, local, peer, transport, redirect } = holder;
  const { reach, handed } = concernsOf(holder, systems);
  const concerns: Message[] = [];
  if (reach === 'open') concerns.push(say('web.paste.open'));
  if (handed.length > 0) {
    const ranges = handed.map(({ system, range: [first, last] }) =>
      say('web.paste.range', { system, first, last }),
    );
    concerns.push(say('web.paste.handed', { ranges: { list: ranges } }));
  }
  const other = redirect === null && peer !== null && names.has(peer.port) ? [peer.port] : [];
  const way =
    redirect !== null
      ? redirectTarget(redirect)
      : peer === null
        ? null
        : say('web.paste.peer', { peer: formatEndpoint(peer) });
  const nobody = holder.owners.length === 0 && holder.publishes === null && holder.user === null;
  return {
    kind: say(`kind.${kind}`),
    means: say(`web.paste.means.${kind}`),
    place: `${transport} ${formatEndpoint(local)}`,
    way,
    who: nobody && holder.uid === null && redirect === null ? null : whoWords(holder),
    ports: [...new Set([local.port, ...other])].map((port) => ({
      port,
      carries: carriesOf(names.get(port)),
    })),
    concerns,
    calm: reach === 'local' ? say('web.paste.local') : null,
  };
}

function carriesOf(names: Names | undefined): Message[] {
  if (names === undefined) return [say('web.paste.nobody')];
  const { registry, other, more } = names;
  return [
    ...(registry === '' ? [] : [say('web.paste.registry', { name: registry })]),
    ...(other === '' || other === registry
      ? []
      : [say(more ? 'web.chart.is.claimed.more' : 'web.chart.is.claimed', { name: other })]),
  ];
}
