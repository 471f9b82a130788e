/** What `takeNext` says when every connection is in use. */
export const NO_CONNECTION = -1;

/**
 * Which payment is due next, and by which connection it leaves. Times are in milliseconds from the beginning of the
 * load.
 */
export interface Schedule {
  /** Infinite: no payment is due any more, unless an answer that is still to come makes one due. */
  readonly nextDueMs: number;
  /** Connections to be open before the beginning. */
  readonly connectionsAhead: number;
  /** How many payments to make room for; there may be more. */
  readonly expectedCount: number;
  /**
   * Takes the payment that is due next. Returns the number of its connection, which nobody else uses, or
   * NO_CONNECTION.
   */
  takeNext(): number;
  /** The payment on this connection has its answer, or has none in time. */
  ended(connection: number, nowMs: number): void;
}
