import type { OutcomeCode, ReadColumn, Slot } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import { NO_PROCESSOR } from "../values/processor.ts";
import * as Reason from "../values/reason.ts";
import * as State from "../values/state.ts";
import { UUID_WORDS } from "../values/uuid.ts";

/** Milliseconds that fit the 32-bit durations of a row: 49.7 days. */
export const MAX_DELTA_MS = 0xffffffff;

/** The payments' columns for those who read them: a place per slot, four of correlationIds. */
export type RowsView = {
  readonly capacity: number;
  readonly correlationIds: ReadColumn;
  readonly acceptedAtMs: ReadColumn;
  readonly cents: ReadColumn;
  readonly state: ReadColumn;
  readonly processor: ReadColumn;
  readonly outcome: ReadColumn<OutcomeCode>;
  readonly attemptCount: ReadColumn;
  readonly mayLand: ReadColumn;
  readonly rejectionCount: ReadColumn;
  readonly reason: ReadColumn<Reason.ReasonCode>;
  readonly lastTrailEntry: ReadColumn;
  readonly requestedAfterMs: ReadColumn;
  readonly processedAfterMs: ReadColumn;
  requestedAtMs(slot: Slot): number;
  processedAtMs(slot: Slot): number;
};

/**
 * One row per payment, a column per property, all preallocated. 47 bytes a row:
 *
 *   correlationId 16 │ acceptedAt 8 │ requestedAt − acceptedAt 4 │ processedAt − requestedAt 4 │ cents 4 │
 *   last trail entry 4 │ state 1 │ processor 1 │ outcome 1 │ attempt count 1 │ may land 1 │
 *   rejections 1 │ reason 1
 *
 * Only the ledger writes here, applying records; everybody else has a RowsView.
 */
export class PaymentRows implements RowsView {
  readonly capacity: number;
  /** Four words a slot; shared with the index that finds them. */
  readonly correlationIds: Int32Array;
  readonly acceptedAtMs: Float64Array;
  readonly cents: Uint32Array;
  readonly state: Uint8Array;
  readonly processor: Uint8Array;
  /** How the last ended attempt ended. */
  readonly outcome: Uint8Array;
  /** Attempts begun, 255 meaning 255 or more. */
  readonly attemptCount: Uint8Array;
  /** 1: an attempt at the payment's processor may still land there (see verdict.ts). Meaningful in doubt. */
  readonly mayLand: Uint8Array;
  /** Rejections in a row, 255 meaning 255 or more. */
  readonly rejectionCount: Uint8Array;
  /** Why it was sent to its processor; none while it is at no processor, as when pending. */
  readonly reason: Uint8Array;
  /** Newest entry in the attempt trail, 0 for none. */
  readonly lastTrailEntry: Uint32Array;
  readonly requestedAfterMs: Uint32Array;
  readonly processedAfterMs: Uint32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.correlationIds = new Int32Array(capacity * UUID_WORDS);
    this.acceptedAtMs = new Float64Array(capacity);
    this.cents = new Uint32Array(capacity);
    this.state = new Uint8Array(capacity);
    this.processor = new Uint8Array(capacity);
    this.outcome = new Uint8Array(capacity);
    this.attemptCount = new Uint8Array(capacity);
    this.mayLand = new Uint8Array(capacity);
    this.rejectionCount = new Uint8Array(capacity);
    this.reason = new Uint8Array(capacity);
    this.lastTrailEntry = new Uint32Array(capacity);
    this.requestedAfterMs = new Uint32Array(capacity);
    this.processedAfterMs = new Uint32Array(capacity);
  }

  get byteLength(): number {
    return this.capacity * 47;
  }

  /** Milliseconds since the epoch; exactly what was sent to the processor. Meaningful once an attempt was begun. */
  requestedAtMs(slot: Slot): number {
    return this.acceptedAtMs[slot]! + this.requestedAfterMs[slot]!;
  }

  /** Milliseconds since the epoch. Meaningful in state processed. */
  processedAtMs(slot: Slot): number {
    return this.requestedAtMs(slot) + this.processedAfterMs[slot]!;
  }

  /** Resets the slot to a payment accepted at `atMs`; the caller writes the correlationId. */
  open(slot: Slot, atMs: number, cents: number, state: number): void {
    this.acceptedAtMs[slot] = atMs;
    this.cents[slot] = cents;
    this.state[slot] = state;
    this.processor[slot] = NO_PROCESSOR;
    this.outcome[slot] = Outcome.NONE;
    this.attemptCount[slot] = 0;
    if (this.mayLand[slot] !== 0) this.mayLand[slot] = 0;
    if (this.rejectionCount[slot] !== 0) this.rejectionCount[slot] = 0;
    if (this.reason[slot] !== Reason.NONE) this.reason[slot] = Reason.NONE;
    // Writing zeros over zeros would commit pages that good weather never needs.
    if (this.lastTrailEntry[slot] !== 0) this.lastTrailEntry[slot] = 0;
    if (this.requestedAfterMs[slot] !== 0) this.requestedAfterMs[slot] = 0;
    if (this.processedAfterMs[slot] !== 0) this.processedAfterMs[slot] = 0;
  }

  setRequestedAtMs(slot: Slot, atMs: number): void {
    const afterMs = atMs - this.acceptedAtMs[slot]!;
    if (!(afterMs >= 0 && afterMs <= MAX_DELTA_MS))
      throw new Error(`requestedAt within 49 days of acceptedAt: afterMs=${afterMs}`);
    this.requestedAfterMs[slot] = afterMs;
    if (this.attemptCount[slot]! < 0xff) this.attemptCount[slot]!++;
  }

  /**
   * Of an attempt whose records are lost. What was sent before it was accepted here was accepted before that already,
   * in the life that is lost: the acceptance moves back to it.
   */
  setSentAtMs(slot: Slot, atMs: number): void {
    this.acceptedAtMs[slot] = Math.min(this.acceptedAtMs[slot]!, atMs);
    this.setRequestedAtMs(slot, atMs);
  }

  setProcessedAtMs(slot: Slot, atMs: number): void {
    // Only the record of the day keeps more than 49 days of doubt; the row says "49 days". Before requestedAt it is
    // only where time was set back since.
    this.processedAfterMs[slot] = Math.min(Math.max(atMs - this.requestedAtMs(slot), 0), MAX_DELTA_MS);
  }

  /**
   * Throws unless the payment in `slot` is in one of two states: a record that does not fit the ledger is a broken
   * invariant.
   */
  expectState(slot: Slot, first: number, second: number): void {
    const state = this.state[slot]!;
    if (state !== first && state !== second) {
      throw new Error(
        `records follow the life of a payment: slot=${slot} state=${State.NAMES[state]} ` +
          `expected=${State.NAMES[first]}|${State.NAMES[second]}`,
      );
    }
  }

  clear(fromSlot: number, toSlot: number): void {
    this.state.fill(State.FREE, fromSlot, toSlot);
  }
}
