// Types of the style sheet's maker, for tests.

/** The style sheet of the pages as it is served. */
export function styleSheet(): string;
