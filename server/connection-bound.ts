import type { Logger } from "pino";

/** The part of uWS's HttpResponse that is there when a connection has just been accepted. */
export type Accepted = { close(): unknown };

/** It is over once so many have gone that the next few will not bring it back. */
const RELIEF_FRACTION = 0.75;

/** How many connections a kind of caller may have open. One beyond that is closed before anything is read from it. */
export class ConnectionBound {
  readonly max: number;
  refusedCount = 0;
  readonly #callers: string;
  readonly #logger: Logger;
  #openCount = 0;
  #isRefusing = false;
  #refusedBefore = 0;

  /** `callers` is how the log names them. */
  constructor(callers: string, max: number, logger: Logger) {
    this.#callers = callers;
    this.max = max;
    this.#logger = logger;
  }

  get openCount(): number {
    return this.#openCount;
  }

  /** A connection was accepted; to be told of its end by `ended` in either case. */
  began(connection: Accepted): void {
    if (++this.#openCount <= this.max) return;
    this.refusedCount++;
    this.#noteRefusing();
    connection.close();
  }

  ended(): void {
    this.#openCount--;
    if (!this.#isRefusing || this.#openCount > this.max * RELIEF_FRACTION) return;
    this.#isRefusing = false;
    const refused = this.refusedCount - this.#refusedBefore;
    this.#logger.warn({ callers: this.#callers, refused }, "connections are accepted again");
  }

  /** One line until it is over, not one per connection. */
  #noteRefusing(): void {
    if (this.#isRefusing) return;
    this.#isRefusing = true;
    this.#refusedBefore = this.refusedCount - 1;
    this.#logger.warn({ callers: this.#callers, max: this.max }, "connections are refused: too many are open");
  }
}
