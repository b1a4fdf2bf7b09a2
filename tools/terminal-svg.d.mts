// Types of the renderer, for its test.

/** The picture of this text, so many columns wide. */
export function terminalSvg(text: string, columns: number, title: string): string;
