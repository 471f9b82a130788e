/**
 * How soon something that has lasted a while ends, learned from how long it lasted before: exponential spells with a
 * gamma prior (the conjugate of their rate), which is told as ends and time seen before the first. The spell under way
 * counts in the time without its end, so a rate falls the longer it lasts: what has been down for long is expected to
 * stay down for longer.
 *
 *   rate = ends seen ÷ time seen
 */
export class Spells {
  readonly #seen: SpellsSeen;
  #sinceMs = Number.NaN;

  /** `seen`: what is known already, of this one or of others like it, and learned from. */
  constructor(seen: SpellsSeen) {
    this.#seen = seen;
  }

  get isUnderWay(): boolean {
    return !Number.isNaN(this.#sinceMs);
  }

  begin(nowMs: number): void {
    if (!this.isUnderWay) this.#sinceMs = nowMs;
  }

  end(nowMs: number): void {
    if (!this.isUnderWay) return;
    this.#seen.ms += nowMs - this.#sinceMs;
    this.#seen.endCount++;
    this.#sinceMs = Number.NaN;
  }

  /** Expected ends per millisecond, of a spell that is under way or begins now. */
  endsPerMs(nowMs: number): number {
    const underWayMs = this.isUnderWay ? nowMs - this.#sinceMs : 0;
    return this.#seen.endCount / (this.#seen.ms + underWayMs);
  }
}

/** Time that spells lasted, and how many of them ended. */
export type SpellsSeen = { ms: number; endCount: number };

/** As if `endCount` spells of `meanMs` had been seen. */
export function asIfSeen(endCount: number, meanMs: number): SpellsSeen {
  return { ms: endCount * meanMs, endCount };
}
