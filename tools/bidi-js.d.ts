// Types of the part of bidi-js that the tests use; the package has none of its own.
declare module 'bidi-js' {
  /** Embedding levels by UTF-16 code unit, and the paragraphs (UAX #9). */
  export interface EmbeddingLevels {
    readonly levels: Uint8Array;
    readonly paragraphs: readonly { readonly start: number; readonly end: number; readonly level: number }[];
  }
  export interface Bidi {
    getEmbeddingLevels(text: string, direction?: 'ltr' | 'rtl'): EmbeddingLevels;
    /** The text as it is seen from left to right, mirrored characters included. */
    getReorderedString(text: string, levels: EmbeddingLevels): string;
  }
  export default function bidiFactory(): Bidi;
}
