type Sleeper<Item> = {
  readonly item: Item;
  readonly dueMs: number;
};

/**
 * Items that sleep. The delay changes seldom, so there is one lane per delay, and within a lane whoever came first is
 * due first: adding and taking cost nothing per sleeper, and one timer for the earliest head serves all of them.
 */
export class DelayQueue<Item> {
  readonly #lanes = new Map<number, Sleeper<Item>[]>();

  add(item: Item, delayMs: number, nowMs: number): void {
    const sleeper = { item, dueMs: nowMs + delayMs };
    const lane = this.#lanes.get(delayMs);
    if (lane === undefined) this.#lanes.set(delayMs, [sleeper]);
    else lane.push(sleeper);
  }

  /** When the next sleeper is due; infinity when nobody sleeps. */
  nextDueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes.values()) dueMs = Math.min(dueMs, lane[0]!.dueMs);
    return dueMs;
  }

  /** The longest due sleeper. Nobody is woken before the whole delay is over. */
  takeDue(nowMs: number): Item | undefined {
    const dueMs = this.nextDueMs();
    if (dueMs > nowMs) return undefined;
    for (const [delayMs, lane] of this.#lanes) {
      if (lane[0]!.dueMs !== dueMs) continue;
      const sleeper = lane.shift()!;
      if (lane.length === 0) this.#lanes.delete(delayMs);
      return sleeper.item;
    }
    return undefined;
  }
}
