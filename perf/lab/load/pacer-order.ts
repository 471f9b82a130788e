/** What a pacer's thread is told. */
export type PacerOrder = {
  /** Ascending, from the beginning. */
  readonly dueMs: Float64Array<SharedArrayBuffer>;
  readonly words: Int32Array<SharedArrayBuffer>;
  /** On process.hrtime's clock, which all threads share. */
  readonly beginNs: bigint;
  /** Least time between two wake-ups. */
  readonly gapMs: number;
};

/** Places in `words`: 1 once the thread shall end; 1 while the generator has been woken and has not yet looked. */
export const STOP_AT = 0;
export const IS_WOKEN_AT = 1;
export const WORD_COUNT = 2;
