import type { Ledger } from "../ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../ledger/uuid-index.ts";
import { PendingQueue } from "../routing/pending-queue.ts";
import type { Sequence, Slot } from "../values/number-types.ts";
import { UUID_WORDS } from "../values/uuid.ts";
import { HeldAges } from "./held-ages.ts";
import type { FoundCharge } from "./past-verdict.ts";

const NOT_HELD = 0;
const QUEUED = 1;
const IN_HAND = 2;

export type HoldOptions = {
  /** The latest time that the restored log speaks of: what happened later may be lost. */
  lostFromMs: number;
  /** Until then an attempt of the lost life may still be carried out. */
  graceUntilMs: number;
  /** Until then payments that come in may be repetitions of lost ones, and are held as well. */
  watchUntilMs: number;
};

/** A payment that somebody is asking the processors about. */
export type Inquiry = {
  slot: Slot;
  /** Of the payment: by the time the answers are there, the slot may be another one's. */
  id: Int32Array;
};

/**
 * Payments of a restored log that must not be sent before every processor was asked about them, because the records
 * that are lost may have sent them anywhere. They are neither in the pending queue nor in the flights.
 *
 *   add ──► fresh ──┬─► in hand ──► gone: found charged, or free to be sent
 *           again ──┘      │
 *             ▲── putBack ─┘        those asked before are taken again in rounds
 *
 * From fresh and again, an operator's word ends it as well: settledByHand.
 */
export class HeldPayments {
  readonly options: HoldOptions;
  /** What became of the payments since the start: found charged, by processor; at two processors; free to be sent. */
  readonly foundCounts: Float64Array;
  chargedTwiceCount = 0;
  releasedCount = 0;
  /** What became of the others: operators settled them. */
  byHandCount = 0;
  readonly #ledger: Ledger;
  readonly #state: Uint8Array;
  readonly #fresh: PendingQueue;
  readonly #again: PendingQueue;
  /** Entries of `again` that the round has not come to. */
  #roundLeft = 0;
  #wasFresh = false;
  #count = 0;
  /** No payment before this sequence is held. */
  #cursor: number;
  readonly #ages: HeldAges;

  constructor(ledger: Ledger, options: HoldOptions) {
    this.foundCounts = new Float64Array(ledger.processorCount);
    const { capacity } = ledger.rows;
    this.options = options;
    this.#ledger = ledger;
    this.#state = new Uint8Array(capacity);
    this.#fresh = new PendingQueue(capacity);
    this.#again = new PendingQueue(capacity);
    this.#cursor = ledger.tail;
    this.#ages = new HeldAges(ledger, (slot) => this.has(slot));
  }

  /** What is held from before is held since now. */
  startAt(nowMs: number): void {
    this.#ages.startAt(nowMs);
  }

  get count(): number {
    return this.#count;
  }

  /** Found charged since the start. */
  get foundCount(): number {
    return this.foundCounts.reduce((sum, count) => sum + count, 0);
  }

  /** Held no longer. */
  get endedCount(): number {
    return this.foundCount + this.releasedCount + this.byHandCount;
  }

  /** Whether payments that come in now are held. */
  watches(nowMs: number): boolean {
    return nowMs < this.options.watchUntilMs;
  }

  /** Whether a charge of the lost life can still come to light. */
  isOver(nowMs: number): boolean {
    return this.#count === 0 && !this.watches(nowMs);
  }

  has(slot: Slot): boolean {
    return this.#state[slot] !== NOT_HELD;
  }

  add(slot: Slot): void {
    if (this.has(slot)) throw new Error(`a payment is held once: slot=${slot}`);
    this.#state[slot] = QUEUED;
    this.#count++;
    this.#fresh.push(slot);
  }

  /** Whether all that were to be asked about once more have been taken. */
  get isRoundOver(): boolean {
    return this.#roundLeft === 0;
  }

  /** All that wait may be asked about once more. */
  beginRound(): void {
    this.#roundLeft = this.#again.length;
  }

  /** The next payment to ask about, or undefined when there is none before the next round. */
  take(): Inquiry | undefined {
    const slot = this.#takeSlot();
    if (slot === NOT_FOUND_SLOT) return undefined;
    this.#state[slot] = IN_HAND;
    const { correlationIds } = this.#ledger.rows;
    return {
      slot,
      id: Int32Array.from({ length: UUID_WORDS }, (_, word) => correlationIds[slot * UUID_WORDS + word]!),
    };
  }

  /** Whether the payment asked about is still the one in its slot, and waits for the answers. */
  isInHand({ slot, id }: Inquiry): boolean {
    const { correlationIds } = this.#ledger.rows;
    return this.#state[slot] === IN_HAND && id.every((word, i) => word === correlationIds[slot * UUID_WORDS + i]);
  }

  isBeingAsked(slot: Slot): boolean {
    return this.#state[slot] === IN_HAND;
  }

  /** Since when the payment in `slot` is held. */
  heldSinceMs(slot: Slot): number {
    return this.#ages.sinceMs(slot);
  }

  /** Whether it has been held for so long that an operator is wanted. */
  isStuck(slot: Slot, nowMs: number): boolean {
    return this.has(slot) && this.#ages.isOld(slot, nowMs);
  }

  /** How many are stuck. */
  stuckCount(nowMs: number): number {
    return this.#ages.oldCount(nowMs);
  }

  /** The sequence before which all that are held are stuck, and none from it on. */
  stuckEnd(nowMs: number): Sequence {
    return this.#ages.oldEnd(nowMs);
  }

  /** Slots of `limit` of the held payments from number `offset` on, by their sequence. */
  page(offset: number, limit: number): Slot[] {
    const slots: Slot[] = [];
    let left = offset;
    this.#skipEnded();
    const { head } = this.#ledger;
    for (let sequence = this.#cursor; sequence < head && slots.length < limit; sequence++) {
      const slot = this.#ledger.slotOf(sequence);
      if (this.has(slot) && left-- <= 0) slots.push(slot);
    }
    return slots;
  }

  /** It is to be asked about again. */
  putBack({ slot }: Inquiry): void {
    this.#state[slot] = QUEUED;
    this.#again.push(slot);
  }

  /** It is held no longer: it may be sent. */
  released(slot: Slot): void {
    this.forget(slot);
    this.releasedCount++;
  }

  /** It is held no longer: it was charged. */
  found(slot: Slot, { processor, isTwice }: FoundCharge): void {
    this.forget(slot);
    this.foundCounts[processor]!++;
    if (isTwice) this.chargedTwiceCount++;
  }

  /** It is held no longer: an operator has settled it, while it was not being asked about. */
  settledByHand(slot: Slot): void {
    this.forget(slot);
    this.compact();
    this.byHandCount++;
  }

  /** The payment in `slot` was taken back; `compact` follows. */
  forget(slot: Slot): void {
    if (!this.has(slot)) return;
    this.#state[slot] = NOT_HELD;
    this.#count--;
    this.#ages.forgotten(slot);
  }

  /** Drops what was forgotten from the queues, before its slot is used again. */
  compact(): void {
    this.#fresh.compact((slot) => this.has(slot));
    let place = 0;
    let left = 0;
    this.#again.compact((slot) => {
      if (place++ < this.#roundLeft && this.has(slot)) left++;
      return this.has(slot);
    });
    this.#roundLeft = left;
    this.#cursor = Math.min(this.#cursor, this.#ledger.head);
    this.#ages.compact();
  }

  /** Every payment is gone. */
  clear(): void {
    this.#fresh.clear();
    this.#again.clear();
    this.#state.fill(NOT_HELD);
    this.#roundLeft = 0;
    this.#count = 0;
    this.#ages.clear();
  }

  /** Earliest time at which a charge can still come to light, or infinity when none can. */
  settledUntilMs(nowMs: number): number {
    if (this.isOver(nowMs)) return Number.POSITIVE_INFINITY;
    const ledger = this.#ledger;
    this.#skipEnded();
    if (this.#cursor === ledger.head) return this.options.lostFromMs;
    return Math.min(this.options.lostFromMs, ledger.rows.acceptedAtMs[ledger.slotOf(this.#cursor)]!);
  }

  #skipEnded(): void {
    const ledger = this.#ledger;
    this.#cursor = Math.max(this.#cursor, ledger.tail);
    while (this.#cursor < ledger.head && !this.has(ledger.slotOf(this.#cursor))) this.#cursor++;
  }

  /**
   * By turns, so that neither those that keep coming in nor those that are asked about for ever keep the others
   * waiting.
   */
  #takeSlot(): number {
    this.#wasFresh = !this.#wasFresh && this.#fresh.length > 0;
    if (this.#wasFresh) return this.#fresh.shift();
    if (this.#roundLeft === 0) return this.#fresh.length > 0 ? this.#fresh.shift() : NOT_FOUND_SLOT;
    this.#roundLeft--;
    return this.#again.shift();
  }
}
