// The page tree: what is shown, in what order, before it becomes terminal text or HTML.
import { FACTS_LANGUAGE, type Source } from '../model/claim.ts';
import type { Message } from '../model/message.ts';
import type { PortRange } from '../model/port.ts';
import type { Severity } from '../model/report.ts';

/** How a piece of text stands out; never the only sign of what it means. */
export type Emphasis = 'strong' | 'dim' | 'good' | 'warn' | 'bad' | 'accent';

/**
 * A piece of a line: a sentence of ours, data from outside (never trusted), a way to another page of the site or to one
 * elsewhere (their words alone where there are no pages), or a mark that points at a source.
 */
export type Inline =
  | { readonly kind: 'say'; readonly message: Message; readonly emphasis?: Emphasis }
  | {
      readonly kind: 'data';
      readonly text: string;
      readonly emphasis?: Emphasis;
      /** The language it is written in, where that need not be the reader's. */
      readonly lang?: string;
    }
  | {
      readonly kind: 'link';
      readonly to: string;
      readonly text: string | Message;
      /** The language of a text that is data. */
      readonly lang?: string;
    }
  /** An address elsewhere. */
  | { readonly kind: 'outside'; readonly to: string; readonly text: string }
  | { readonly kind: 'ref'; readonly n: number };

/** A column of a table. `grow`: gives way when the line is too short. */
export interface Column {
  readonly title: Message | null;
  readonly align: 'left' | 'right';
  readonly grow: boolean;
  /** Left out where a terminal is too narrow for it. */
  readonly optional?: boolean;
}

/** The numbers the range ruler is drawn from. */
export interface RulerModel {
  readonly port: number;
  readonly ephemeral: PortRange | null;
  readonly reserved: readonly PortRange[];
  /** Ports in use here, for the drawing of pages; a terminal has no room for them. */
  readonly inUse?: readonly number[];
  readonly label: Message;
}

/** One node of a page. */
export type Node =
  | {
      readonly kind: 'answer';
      readonly severity: Severity | 'good';
      readonly lines: readonly (readonly Inline[])[];
    }
  | { readonly kind: 'section'; readonly title: Message; readonly nodes: readonly Node[] }
  | { readonly kind: 'para'; readonly inline: readonly Inline[] }
  | {
      readonly kind: 'table';
      readonly columns: readonly Column[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
      readonly header: boolean;
    }
  | {
      readonly kind: 'list';
      readonly items: readonly {
        readonly mark: Severity | null;
        readonly inline: readonly Inline[];
        readonly nodes: readonly Node[];
      }[];
    }
  | { readonly kind: 'commands'; readonly lines: readonly string[] }
  | { readonly kind: 'ruler'; readonly ruler: RulerModel }
  | { readonly kind: 'sources'; readonly items: readonly { readonly n: number; readonly source: Source }[] };

/** A whole answer. */
export interface Page {
  readonly nodes: readonly Node[];
}

/** A sentence as a piece of a line. */
export function said(message: Message, emphasis?: Emphasis): Inline {
  return emphasis === undefined ? { kind: 'say', message } : { kind: 'say', message, emphasis };
}

/** Data as a piece of a line. */
export function data(text: string, emphasis?: Emphasis): Extract<Inline, { kind: 'data' }> {
  return emphasis === undefined ? { kind: 'data', text } : { kind: 'data', text, emphasis };
}

/** What a claim says, in the language of its source: it is shown as it is written and never translated. */
export function fact(text: string, emphasis?: Emphasis): Inline {
  return { ...data(text, emphasis), lang: FACTS_LANGUAGE };
}

/** Pieces with a separator of data between them. */
export function joined(pieces: readonly (readonly Inline[])[], separator: string): Inline[] {
  return pieces.flatMap((piece, index) => (index === 0 ? piece : [data(separator), ...piece]));
}
