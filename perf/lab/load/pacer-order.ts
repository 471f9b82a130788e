/** What a pacer's thread is told. */
export interface PacerOrder {
  /** Ascending, from the beginning. */
  readonly dueMs: Float64Array<SharedArrayBuffer>;
  readonly words: Int32Array<SharedArrayBuffer>;
  /** On process.hrtime's clock, which all threads share. */
  readonly beginNs: bigint;
  /** Least time between two wake-ups. */
  readonly gapMs: number;
}

/** Places in `words`: 1 once the thread shall end; 1 while the generator has been woken and has not yet looked. */
export const stopAt = 0;
export const isWokenAt = 1;
export const wordCount = 2;
