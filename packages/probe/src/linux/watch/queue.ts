// Events between the one who finds them and the one who reads them.

/** A queue that is read by `for await`; it keeps what has not been read yet. */
export class EventQueue<T> {
  readonly #items: T[] = [];
  #waiting: { resolve(result: IteratorResult<T>): void; reject(error: unknown): void } | null = null;
  #failure: { readonly error: unknown } | null = null;
  #ended = false;

  push(item: T): void {
    if (this.#ended) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#items.push(item);
    else waiting.resolve({ done: false, value: item });
  }

  /** Ends it; an error is thrown to the reader once everything before it has been read. */
  end(failure: { readonly error: unknown } | null = null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) return;
    if (failure === null) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(failure.error);
  }

  /** For one reader, who asks for the next when it has the one before. */
  next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    if (this.#failure !== null) {
      const { error } = this.#failure;
      this.#failure = null;
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }
}
