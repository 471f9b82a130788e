import type { RecordBatch } from "../log/record.ts";
import * as Kind from "../log/record-kind.ts";
import type { Slot } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import { NO_PROCESSOR } from "../values/processor.ts";
import * as State from "../values/state.ts";
import type { Ledger } from "./ledger.ts";

/** Payments dropped by retention at a time: some hundred microseconds. */
const EVICTIONS_MAX = 512;
const RETAIN_AT_LEAST_MS = 60_000;

export type AgingOptions = {
  /** A payment pending this long after acceptance is failed. Payments in doubt never are. */
  giveUpAfterMs: number;
  /** Ended payments beyond this many payments kept are dropped, oldest first; 0 keeps them until the ledger is full. */
  retainCount?: number;
  /** Ended payments accepted longer ago than this are dropped, oldest first; 0 keeps them. */
  retainMs?: number;
  /** No payment is dropped within this time of its acceptance, nor of a start: it may yet be repeated. A minute. */
  retainAtLeastMs?: number;
};

/**
 * Which payments have grown too old: to be given up, or to be kept at all. Payments age in the order of their sequence.
 */
export class Aging {
  readonly #ledger: Ledger;
  readonly #giveUpAfterMs: number;
  readonly #retainCount: number;
  readonly #retainMs: number;
  readonly #retainAtLeastMs: number;
  /** Every payment before this sequence has ended. */
  #cursor = 0;
  #startedAtMs = Number.POSITIVE_INFINITY;

  constructor(ledger: Ledger, options: AgingOptions) {
    this.#ledger = ledger;
    this.#giveUpAfterMs = options.giveUpAfterMs;
    this.#retainCount = options.retainCount || Number.POSITIVE_INFINITY;
    this.#retainMs = options.retainMs || Number.POSITIVE_INFINITY;
    this.#retainAtLeastMs = options.retainAtLeastMs ?? RETAIN_AT_LEAST_MS;
  }

  /** When the engine took up what the log left it. */
  startAt(nowMs: number): void {
    this.#startedAtMs = nowMs;
  }

  /**
   * Since acceptance, in milliseconds. A payment accepted in a time that was set back since (see CLOCK in record.ts)
   * counts from the start: what it says of itself would keep it, and all after it, for as long as the clock was wrong.
   */
  ageMs(slot: Slot, nowMs: number): number {
    const acceptedAtMs = this.#ledger.rows.acceptedAtMs[slot]!;
    return nowMs - (acceptedAtMs > nowMs ? this.#startedAtMs : acceptedAtMs);
  }

  /** Whether a pending payment is to be given up. */
  isTooOld(slot: Slot, nowMs: number): boolean {
    return this.ageMs(slot, nowMs) >= this.#giveUpAfterMs;
  }

  /** Calls `giveUp` with the slot of each pending payment that is too old, until it returns false. */
  giveUpOld(nowMs: number, giveUp: (slot: Slot) => boolean): void {
    const { rows } = this.#ledger;
    this.#cursor = Math.min(Math.max(this.#cursor, this.#ledger.tail), this.#ledger.head);
    let cursorFollows = true;
    for (let sequence = this.#cursor; sequence < this.#ledger.head; sequence++) {
      const slot = this.#ledger.slotOf(sequence);
      if (!this.isTooOld(slot, nowMs)) return;
      if (rows.state[slot] === State.PENDING && !giveUp(slot)) return;
      // Few are passed over again next time: only payments in flight or in doubt can come back to pending.
      cursorFollows &&= rows.state[slot]! > State.IN_DOUBT;
      if (cursorFollows) this.#cursor = sequence + 1;
    }
  }

  /** Drops what is beyond retention, a bounded number at a time. */
  evictOld(batch: RecordBatch, nowMs: number): void {
    const sequence = this.#evictionEnd(nowMs);
    if (sequence === this.#ledger.tail) return;
    this.#ledger.apply(batch, batch.append(Kind.EVICTED, sequence, nowMs, NO_PROCESSOR, Outcome.NONE, 0));
  }

  /**
   * The sequence before which retention drops everything now. The oldest payment that has not ended holds back all
   * after it.
   */
  #evictionEnd(nowMs: number): number {
    const { rows, head } = this.#ledger;
    let sequence = this.#ledger.tail;
    // A carrier before this one may have had another clock.
    if (nowMs - this.#startedAtMs < this.#retainAtLeastMs) return sequence;
    const end = Math.min(sequence + EVICTIONS_MAX, head);
    for (; sequence < end; sequence++) {
      const slot = this.#ledger.slotOf(sequence);
      if (this.ageMs(slot, nowMs) < this.#retainAtLeastMs) break;
      const isOver = head - sequence > this.#retainCount || this.ageMs(slot, nowMs) > this.#retainMs;
      if (!isOver || (rows.state[slot] !== State.PROCESSED && rows.state[slot] !== State.FAILED)) break;
    }
    return sequence;
  }
}
