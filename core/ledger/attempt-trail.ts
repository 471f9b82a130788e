import type { OutcomeCode } from "../values/number-types.ts";
import type { ReasonCode } from "../values/reason.ts";

/**
 * What became of the attempts that did not simply succeed: a ring of the last entries of all payments, each linked to
 * the entry before it of the same payment. The attempt in progress and the one that succeeded at first asking stand in
 * the row itself, so in good weather nothing is written here.
 *
 *   entry number n = 1, 2, 3 …   lives at (n − 1) mod capacity; number 0 ends a chain; an overwritten entry ends it too
 *
 *   ┌───────────────┬──────────────────────┬───────────┬────────────────────────────────┐
 *   │ entry before  │ began after accepted │ lasted ms │ reason │ processor │ outcome   │   16 bytes
 *   └───────────────┴──────────────────────┴───────────┴────────────────────────────────┘
 */
export type TrailEntry = {
  beganAfterMs: number;
  elapsedMs: number;
  processor: number;
  outcome: OutcomeCode;
  reason: ReasonCode;
};

const FIELDS = 4;
const MAX_U32 = 0xffffffff;

export class AttemptTrail {
  readonly #capacity: number;
  readonly #fields: Uint32Array;
  #written = 0;

  /** `capacity` in entries over all payments. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#fields = new Uint32Array(capacity * FIELDS);
  }

  get byteLength(): number {
    return this.#fields.byteLength;
  }

  /**
   * Writes an entry in front of the chain that begins at `before` and returns its number: the chain's new beginning.
   */
  push(
    before: number,
    beganAfterMs: number,
    elapsedMs: number,
    processor: number,
    outcome: OutcomeCode,
    reason: ReasonCode,
  ): number {
    // Numbers are 32 bits in the rows; a trail restarts rather than mistake an old number for a new one.
    this.#written = this.#written === MAX_U32 - 1 ? 1 : this.#written + 1;
    const at = ((this.#written - 1) % this.#capacity) * FIELDS;
    this.#fields[at] = before;
    this.#fields[at + 1] = Math.min(beganAfterMs, MAX_U32);
    this.#fields[at + 2] = Math.min(elapsedMs, MAX_U32);
    this.#fields[at + 3] = (reason << 16) | (processor << 8) | outcome;
    return this.#written;
  }

  /** The newest `limit` entries of a chain, oldest first. */
  read(newest: number, limit: number): TrailEntry[] {
    const entries: TrailEntry[] = [];
    for (let entry = newest; this.#isKept(entry) && entries.length < limit; ) {
      const at = ((entry - 1) % this.#capacity) * FIELDS;
      const packed = this.#fields[at + 3]!;
      entries.push({
        beganAfterMs: this.#fields[at + 1]!,
        elapsedMs: this.#fields[at + 2]!,
        processor: (packed >>> 8) & 0xff,
        outcome: packed & 0xff,
        reason: packed >>> 16,
      });
      entry = this.#fields[at]!;
    }
    return entries.reverse();
  }

  #isKept(entry: number): boolean {
    return entry > 0 && entry <= this.#written && this.#written - entry < this.#capacity;
  }
}
