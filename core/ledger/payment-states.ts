import { mayStillLand } from "../answers/verdict.ts";
import type { RecordBatch } from "../log/record.ts";
import type { OutcomeCode, Slot } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import { NO_PROCESSOR } from "../values/processor.ts";
import * as Reason from "../values/reason.ts";
import * as State from "../values/state.ts";
import { UUID_WORDS } from "../values/uuid.ts";
import { AttemptTrail, type TrailEntry } from "./attempt-trail.ts";
import type { PaymentRows } from "./payment-rows.ts";

/** Attempts shown of one payment. */
export const MAX_TRAIL = 32;
/** Entries of the attempt trail over all payments (1 MiB), or fewer where each has room for what is shown. */
const TRAIL_ENTRIES = 65_536;

/**
 * The state machine of a payment: what each record about it makes of its row. Every method throws where the record does
 * not fit the state. Which payments there are, and how they are found, is the ledger's business.
 */
export class PaymentStates {
  readonly #rows: PaymentRows;
  readonly #trail: AttemptTrail;
  readonly #counts = new Float64Array(State.NAMES.length);

  constructor(rows: PaymentRows) {
    this.#rows = rows;
    this.#trail = new AttemptTrail(Math.min(TRAIL_ENTRIES, rows.capacity * MAX_TRAIL));
  }

  countIn(state: number): number {
    return this.#counts[state]!;
  }

  /** Attempts that did not simply succeed, oldest first, the newest MAX_TRAIL of them. */
  trail(slot: Slot): TrailEntry[] {
    return this.#trail.read(this.#rows.lastTrailEntry[slot]!, MAX_TRAIL);
  }

  accepted(slot: Slot, batch: RecordBatch, record: number): void {
    batch.copyId(record, this.#rows.correlationIds, slot * UUID_WORDS);
    this.#rows.open(slot, batch.atMs(record), batch.cents(record), State.FREE);
    this.#counts[State.FREE]!++;
    this.#set(slot, State.PENDING);
  }

  /** A row of a checkpoint, in whatever state it was. */
  restored(slot: Slot, batch: RecordBatch, record: number): void {
    batch.restoreRow(record, this.#rows, slot);
    this.#counts[this.#rows.state[slot]!]!++;
  }

  sending(slot: Slot, batch: RecordBatch, record: number): void {
    this.#rows.expectState(slot, State.PENDING, State.PENDING);
    this.#rows.processor[slot] = batch.processor(record);
    this.#rows.reason[slot] = batch.outcome(record);
    this.#rows.mayLand[slot] = 0;
    // A payment accepted in a time that was set back since (CLOCK) is never requested before it was accepted.
    this.#rows.setRequestedAtMs(slot, Math.max(batch.atMs(record), this.#rows.acceptedAtMs[slot]!));
    this.#set(slot, State.SENDING);
  }

  sent(slot: Slot, batch: RecordBatch, record: number): void {
    if (this.#rows.state[slot] !== State.SENDING) this.#rows.expectState(slot, State.PENDING, State.IN_DOUBT);
    this.#rows.processor[slot] = batch.processor(record);
    // Why it went there is lost with the records of that life.
    this.#rows.reason[slot] = Reason.NONE;
    this.#rows.mayLand[slot] = 0;
    this.#rows.setSentAtMs(slot, batch.atMs(record));
    this.#set(slot, State.SENDING);
  }

  /**
   * An attempt ended without a charge for certain: the payment is pending again. One that was held while it was pending
   * had no attempt to end: an operator's word keeps it pending.
   */
  refused(slot: Slot, batch: RecordBatch, record: number): void {
    const outcome = batch.outcome(record);
    if (this.#rows.state[slot] === State.PENDING && outcome === Outcome.SETTLED_BY_HAND)
      this.#rows.outcome[slot] = outcome;
    else this.#endAttempt(slot, batch, record, endsDoubt(outcome) ? State.IN_DOUBT : State.SENDING);
    this.#rows.processor[slot] = NO_PROCESSOR;
    this.#rows.reason[slot] = Reason.NONE;
    const rejections = outcome === Outcome.REJECTED ? Math.min(this.#rows.rejectionCount[slot]! + 1, 0xff) : 0;
    this.#rows.rejectionCount[slot] = rejections;
    this.#set(slot, State.PENDING);
  }

  doubted(slot: Slot, batch: RecordBatch, record: number): void {
    this.#endAttempt(slot, batch, record, State.IN_DOUBT);
    if (mayStillLand(batch.outcome(record))) this.#rows.mayLand[slot] = 1;
    this.#set(slot, State.IN_DOUBT);
  }

  /** A payment that fails while pending had no attempt to end. */
  failed(slot: Slot, batch: RecordBatch, record: number): void {
    if (this.#rows.state[slot] === State.PENDING) this.#rows.outcome[slot] = batch.outcome(record);
    else this.#endAttempt(slot, batch, record, State.IN_DOUBT);
    this.#set(slot, State.FAILED);
  }

  processed(slot: Slot, batch: RecordBatch, record: number): void {
    this.#rows.expectState(slot, State.SENDING, State.IN_DOUBT);
    // The attempt that succeeds at first asking stands in the row; one that settles a doubt is another than the row's.
    if (this.#rows.state[slot] === State.SENDING) this.#rows.outcome[slot] = batch.outcome(record);
    else this.#trace(slot, batch, record);
    this.#rows.setProcessedAtMs(slot, batch.atMs(record));
    this.#set(slot, State.PROCESSED);
  }

  /** The attempt never began: the payment is pending as before. */
  unsent(slot: Slot): void {
    this.#rows.expectState(slot, State.SENDING, State.SENDING);
    this.#rows.processor[slot] = NO_PROCESSOR;
    this.#rows.reason[slot] = Reason.NONE;
    this.#rows.attemptCount[slot]!--;
    this.#set(slot, State.PENDING);
  }

  /** The payment was never accepted. */
  unaccepted(slot: Slot): void {
    this.#rows.expectState(slot, State.PENDING, State.PENDING);
    this.dropped(slot);
  }

  /** The payment is no longer kept, whatever its state. */
  dropped(slot: Slot): void {
    this.#set(slot, State.FREE);
    this.#counts[State.FREE]!--;
  }

  /** The slots from 0 to `slotCount` are no longer kept, and there are no others. */
  allDropped(slotCount: number): void {
    this.#rows.clear(0, slotCount);
    this.#counts.fill(0);
  }

  /** `other`: the state besides SENDING from which the record may follow. */
  #endAttempt(slot: Slot, batch: RecordBatch, record: number, other: number): void {
    if (batch.outcome(record) === Outcome.NOT_CHARGED && this.#rows.mayLand[slot] === 1)
      throw new Error(`what may still land is not proven uncharged: slot=${slot}`);
    this.#rows.expectState(slot, State.SENDING, other);
    this.#trace(slot, batch, record);
  }

  #trace(slot: Slot, batch: RecordBatch, record: number): void {
    const rows = this.#rows;
    const elapsedMs = batch.elapsedMs(record);
    const beganAfterMs = Math.max(0, batch.atMs(record) - elapsedMs - rows.acceptedAtMs[slot]!);
    const outcome = batch.outcome(record);
    rows.outcome[slot] = outcome;
    rows.lastTrailEntry[slot] = this.#trail.push(
      rows.lastTrailEntry[slot]!,
      beganAfterMs,
      elapsedMs,
      rows.processor[slot]!,
      outcome,
      rows.reason[slot]!,
    );
  }

  #set(slot: Slot, state: number): void {
    this.#counts[this.#rows.state[slot]!]!--;
    this.#counts[state]!++;
    this.#rows.state[slot] = state;
  }
}

/** Whether an outcome frees a payment in doubt from its processor. */
function endsDoubt(outcome: OutcomeCode): boolean {
  return outcome === Outcome.NOT_CHARGED || outcome === Outcome.SETTLED_BY_HAND;
}
