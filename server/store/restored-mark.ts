/** Since when, and from when on, records may be missing. */
export type Mark = {
  /** The latest time in the records that were there. */
  lostFromMs: number;
  /** When the first start with them was; undefined: there was none yet. */
  sinceMs: number | undefined;
};

/**
 * Says of a partition that records after some time may be lost, from the first start with restored data until all is
 * known that can be: a crash or a forgotten setting in between must not make the payments free.
 */
export interface RestoredMark {
  /** Undefined: nothing is missing. Throws where that cannot be told: nothing may be sent on a guess. */
  read(): Mark | undefined;
  /** Durable once it returns, or as the store has it already. */
  write(mark: Mark): void;
  /** Nothing is missing any more. Where that cannot be written at once, it is tried until it is, or the mark stays. */
  remove(): void;
}
