/** What a start has opened so far, to be closed in reverse order when the start fails or is given up. */
export class Opening {
  readonly signal: AbortSignal;
  readonly #closers: (() => void | Promise<void>)[] = [];

  /** The start is given up once `signal` is aborted. */
  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  /** Takes a part that has been opened, and how it is closed. Throws when the start has been given up meanwhile. */
  keep<Part>(part: Part, close: (part: Part) => void | Promise<void>): Part {
    this.#closers.push(() => close(part));
    this.signal.throwIfAborted();
    return part;
  }

  async undo(): Promise<void> {
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) await close();
  }
}
