/** Something that waits for a place among the requests in flight. */
export interface Limited {
  /** Called once, when a queued one gets its place. Never called for one that had its place at once. */
  start(): void;
}

export type ConcurrencyLimits = {
  readonly inFlightCountMax: number;
  readonly queuedCountMax: number;
};

/**
 * So many in flight, so many queued behind them, oldest first, and everyone else refused.
 *
 *   enter ─► started ───────────────► leave
 *        ├─► queued ─► (start) ─────► leave
 *        │        └─► giveUp
 *        └─► refused
 */
export class ConcurrencyLimiter {
  readonly #limits: ConcurrencyLimits;
  readonly #queue: Limited[] = [];
  #inFlightCount = 0;
  #freedCount = 0;
  #isHandingOver = false;

  constructor(limits: ConcurrencyLimits) {
    this.#limits = limits;
  }

  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  get queuedCount(): number {
    return this.#queue.length;
  }

  enter(request: Limited): "started" | "queued" | "refused" {
    if (this.#inFlightCount < this.#limits.inFlightCountMax) {
      this.#inFlightCount++;
      return "started";
    }
    if (this.#queue.length >= this.#limits.queuedCountMax) return "refused";
    this.#queue.push(request);
    return "queued";
  }

  /** Gives the place of a finished request to the oldest queued one. */
  leave(): void {
    this.#freedCount++;
    // A started request may finish, and so leave, before `start` returns: the outer call goes on handing over,
    // instead of nesting as deep as the queue is long.
    if (this.#isHandingOver) return;
    this.#isHandingOver = true;
    while (this.#freedCount > 0) {
      this.#freedCount--;
      const next = this.#queue.shift();
      if (next === undefined) this.#inFlightCount--;
      else next.start();
    }
    this.#isHandingOver = false;
  }

  /** Takes a queued request out of the queue; false when it is not in it. */
  giveUp(request: Limited): boolean {
    const position = this.#queue.indexOf(request);
    if (position < 0) return false;
    this.#queue.splice(position, 1);
    return true;
  }
}
