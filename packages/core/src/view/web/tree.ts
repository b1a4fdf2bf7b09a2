// What a page of the site holds: the blocks that a terminal shows, too, and those that only a page can.
import type { Authority, Source, SystemRange } from '../../model/claim.ts';
import type { Message } from '../../model/message.ts';
import type { PortRange } from '../../model/port.ts';
import type { Inline, Node, RulerModel } from '../tree.ts';

/** How a claim stands to the port; each word is explained on the page (`web.verdict.WORD.means`). */
export type VerdictWord =
  | 'assigned'
  | 'reserved'
  | 'unassigned'
  | 'never'
  | 'standard'
  | 'vendor'
  | 'default'
  | 'observed'
  | 'host'
  | 'local';

/** One claim as a line: who says it, in what way, and what. The same object for the same claim on every page. */
export interface ClaimLine {
  readonly authority: Authority;
  /** Who says so: `IANA`, a vendor, a product. */
  readonly who: string;
  readonly verdict: VerdictWord;
  /** Name in the source's own language. */
  readonly name: string;
  /** A sentence of ours in place of a name, where nothing is named. */
  readonly instead: Message | null;
  readonly note: string | null;
  /** Null where it is about this port alone. */
  readonly scope: PortRange | null;
  readonly transports: readonly string[];
  /** Page of the service, or null. */
  readonly to: string | null;
}

/** A claim's line on one page, with the number of its source's footnote there. */
export interface ClaimRow {
  readonly line: ClaimLine;
  readonly ref: number;
}

/** Two sides of a disagreement, and why both can be there. */
export interface Versus {
  readonly title: Message;
  readonly sides: readonly { readonly who: Message; readonly says: readonly (Message | string)[] }[];
  readonly why: readonly Inline[];
}

/** A command of one system, with what it does not show. */
export interface CheckLine {
  readonly command: string;
  readonly shows: Message;
  readonly hides: Message;
}

/** Systems whose commands are shown. */
export type CheckSystem = 'portolan' | 'linux' | 'macos' | 'windows';

/** What the card says of the port on this host, in one word. */
export type CardState =
  | 'free'
  | 'listening'
  | 'bound'
  | 'connection'
  | 'closing'
  | 'redirect'
  | 'kernel'
  | 'unknown'
  /** No live data: a static page, or a visitor who may not see it. */
  | 'none';

/** The live card: what is on the port here. */
export interface Card {
  readonly port: number;
  readonly state: CardState;
  /** Name of the host; null without live data. */
  readonly host: string | null;
  readonly lines: readonly (readonly Inline[])[];
  readonly nodes: readonly Node[];
  /** What could not be seen; null where nothing was hidden. */
  readonly unseen: Node | null;
}

/** The hundred ports around one, by what is said of each. */
export interface Hundred {
  readonly first: number;
  readonly port: number;
  /** What each is, from the first on; fewer than a hundred at the end. */
  readonly cells: readonly ('none' | 'assigned' | 'claimed' | 'here')[];
}

/** A block of a section. */
export type Block =
  | Node
  | {
      readonly kind: 'claims';
      readonly rows: readonly ClaimRow[];
    }
  | {
      /** Claims on whole ranges, which say little about one number: folded where others say more. */
      readonly kind: 'wide-claims';
      readonly rows: readonly ClaimRow[];
      readonly open: boolean;
    }
  | { readonly kind: 'verdict-words'; readonly words: readonly VerdictWord[] }
  | { readonly kind: 'versus'; readonly versus: Versus }
  | {
      readonly kind: 'checks';
      readonly systems: readonly { readonly system: CheckSystem; readonly lines: readonly CheckLine[] }[];
    }
  | {
      readonly kind: 'questions';
      readonly items: readonly { readonly question: Message; readonly answer: readonly Inline[] }[];
    }
  | {
      readonly kind: 'bearings';
      /** A name that is no sentence of ours stands as its source has it. */
      readonly rows: readonly { readonly name: Message | string; readonly value: readonly Inline[] }[];
    }
  | { readonly kind: 'hundred'; readonly hundred: Hundred }
  | { readonly kind: 'card'; readonly card: Card }
  /** A way to every port of a run. */
  | { readonly kind: 'numbers'; readonly first: number; readonly last: number }
  /** All ports in one picture; `live`: with what is in use on this host. */
  | { readonly kind: 'chart'; readonly live: boolean }
  /** A field for what other tools printed; with the ports that systems hand to connections. */
  | { readonly kind: 'paste'; readonly ranges: readonly SystemRange[] }
  /** How full the ephemeral range is; the page keeps what it has seen since it was opened. */
  | {
      readonly kind: 'gauge';
      readonly used: number;
      readonly total: number;
      readonly words: readonly Inline[];
      /** Command that tells more. */
      readonly more: string;
    }
  /** A field that keeps those rows of a section's table that hold what is typed. */
  | { readonly kind: 'filter'; readonly of: string };

/** A part of a page with a heading of its own. */
export interface Section {
  readonly id: string;
  readonly title: Message;
  readonly blocks: readonly Block[];
  /** Out of sight until the browser has been told what stands in it. */
  readonly later?: boolean;
}

/** A page of the site, before it is put into a language. */
export interface WebPage {
  /** Path without language: `/ports/60163`. */
  readonly path: string;
  readonly title: Message;
  readonly crumbs: readonly { readonly to: string; readonly text: Message }[];
  /** The port as a big numeral, a heading in words, or a name as its sources have it. */
  readonly heading: { readonly port: number } | { readonly words: Message } | { readonly name: string };
  readonly lead: readonly (readonly Inline[])[];
  readonly counts: readonly Message[];
  readonly ruler: RulerModel | null;
  readonly main: readonly Section[];
  readonly rail: readonly Section[];
  readonly sources: readonly { readonly n: number; readonly source: Source }[];
  /** False where nothing particular is known: search engines are asked to leave it out. */
  readonly index: boolean;
  /** The same as data: a path such as `/ports/60163.json`; null for none. */
  readonly data: string | null;
  /** Page that search engines shall take for this one; null for itself. */
  readonly canonical: string | null;
  /** The term that the page defines, for search engines; null for none. */
  readonly term: { readonly code: string; readonly specific: boolean } | null;
  /** Is the reader asked whether the page was useful? */
  readonly asks: boolean;
  /** Programs of the page beside the one that all have. */
  readonly islands: readonly ('chart' | 'paste' | 'here')[];
}
