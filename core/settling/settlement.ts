import {
  ALL_ENDED,
  NOTHING_SENT,
  ONE_MAY_LAND,
  signOf,
  VERDICT_CHARGED,
  VERDICT_FOREIGN,
  VERDICT_MAY_LAND,
  VERDICT_REFUSED,
  verdictOn,
} from "../answers/verdict.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../ledger/uuid-index.ts";
import { DOUBTED, FAILED_AT, PROCESSED_AT, REFUSED, type RecordBatch } from "../log/record.ts";
import type { Backlog } from "../routing/backlog.ts";
import type { Doubts } from "../routing/doubts.ts";
import { DOUBT, FLIGHT_FREE, type Flights, LOOKING_UP, NO_FLIGHT, ORPHAN_POST, POSTING } from "../routing/flights.ts";
import { NO_PROBE, type ProcessorGate } from "../routing/processor-gate.ts";
import type { Router } from "../routing/router.ts";
import {
  ALREADY_CHARGED,
  DISPUTED,
  DROPPED,
  FOREIGN,
  FOUND,
  IN_DOUBT,
  MISCONFIGURED,
  NO_OUTCOME,
  NOT_CHARGED,
  NOT_FOUND,
  NOT_TOLD,
  REJECTED,
  RESET,
  SENDING,
  SETTLED_BY_HAND,
  TIMED_OUT,
  UNREACHABLE,
  UNREADABLE,
} from "../values/payment.ts";

/** A payment rejected so often in a row will not be taken at all. */
const REJECTIONS_MAX = 8;
/** A 404 right after a 422 contradicts it, and is not believed yet. */
const CONTRADICTION_MS = 1000;
/** What an operator can say of a payment in doubt. */
export const HAND_WORDS = ["charged", "not charged", "failed"] as const;
export type HandWord = (typeof HAND_WORDS)[number];
export type HandResult = "settled" | "not in doubt" | "being asked about";

/**
 * What the end of a request means: for its payment (verdict.ts), on record; for its processor, by the gate; and for
 * what is to be done next. Times are engine time.
 */
export class Settlement {
  readonly #ledger: Ledger;
  readonly #batch: RecordBatch;
  readonly #flights: Flights;
  readonly #router: Router;
  readonly #doubts: Doubts;
  readonly #backlog: Backlog;
  #nowMs = 0;

  constructor(ledger: Ledger, batch: RecordBatch, flights: Flights, router: Router, doubts: Doubts, backlog: Backlog) {
    this.#ledger = ledger;
    this.#batch = batch;
    this.#flights = flights;
    this.#router = router;
    this.#doubts = doubts;
    this.#backlog = backlog;
  }

  /** See Engine.unask. */
  unask(flight: number, nowMs: number): void {
    this.#nowMs = nowMs;
    const gate = this.#router.gates[this.#flights.processor[flight]!]!;
    if (this.#flights.isOrphan(flight)) {
      this.#endOrphan(flight, gate);
      return;
    }
    if (this.#flights.state[flight] === LOOKING_UP) gate.lookupEnded();
    else gate.postDropped(this.#flights.probe[flight]!);
    this.#flights.unask(flight);
    this.#doubts.putOff(flight, this.#nowMs);
  }

  /**
   * What became of a flight. Returns the slot it was about, or NOT_FOUND_SLOT if its payment was purged or settled
   * meanwhile.
   */
  settle(flight: number, outcome: number, nowMs: number): number {
    this.#nowMs = nowMs;
    const flights = this.#flights;
    const ledger = this.#ledger;
    const state = flights.state[flight]!;
    const gate = this.#router.gates[flights.processor[flight]!]!;
    if (state === FLIGHT_FREE || state === DOUBT)
      throw new Error(`a flight is settled while its request is out: flight=${flight}`);
    if (flights.isOrphan(flight)) {
      this.#endOrphan(flight, gate);
      return NOT_FOUND_SLOT;
    }
    const slot = flights.slot[flight]!;
    const beganAtMs = flights.beganAtMs[flight]!;
    const sequence = ledger.sequenceOf(slot);
    const wasDown = gate.isDown;
    if (state === POSTING) {
      flights.postOutcome[flight] = outcome;
      flights.postBeganAtMs[flight] = beganAtMs;
      flights.isUnexplained[flight] = signOf(outcome) === "silent" ? 1 : 0;
      gate.postEnded(outcome, sequence, beganAtMs, this.#nowMs, flights.probe[flight]!);
    } else {
      gate.lookupEnded();
      if (flights.isUnexplained[flight] === 1)
        gate.postExplained(outcome === FOUND, sequence, flights.postBeganAtMs[flight]!, this.#nowMs);
      flights.isUnexplained[flight] = 0;
    }
    if (wasDown && !gate.isDown) this.#doubts.hurry(flights.processor[flight]!, this.#nowMs);
    const word = state === POSTING ? outcome : this.#wordOfLookup(flight, outcome, gate);
    this.#conclude(flight, slot, word, isAnswer(outcome), gate);
    return slot;
  }

  /**
   * An operator's word on a payment in doubt: charged where and when it was sent, not charged there (it is pending
   * again), or failed. Says why it is not taken: the payment is not in doubt, or a request about it is out, whose
   * answer may be another.
   */
  byHand(slot: number, word: HandWord, nowMs: number): HandResult {
    this.#nowMs = nowMs;
    const flight = this.#ledger.rows.state[slot] === IN_DOUBT ? this.#flights.find(slot) : NO_FLIGHT;
    if (flight === NO_FLIGHT) return "not in doubt";
    if (this.#flights.state[flight] !== DOUBT) return "being asked about";
    const kind = word === "charged" ? PROCESSED_AT : word === "failed" ? FAILED_AT : REFUSED;
    this.#record(kind, slot, this.#flights.processor[flight]!, SETTLED_BY_HAND, this.#sinceRequestedMs(slot));
    this.#flights.close(flight);
    if (kind === REFUSED) this.#backlog.push(slot);
    return "settled";
  }

  #endOrphan(flight: number, gate: ProcessorGate): void {
    if (this.#flights.state[flight] === ORPHAN_POST) gate.postDropped(this.#flights.probe[flight]!);
    else gate.lookupEnded();
    this.#flights.close(flight);
  }

  /** Whether the last POST's answer left open how the processor takes payments. */
  #wasSilent(flight: number): boolean {
    const outcome = this.#flights.postOutcome[flight]!;
    return outcome !== NO_OUTCOME && signOf(outcome) === "silent";
  }

  /** What a lookup's outcome is worth here: one that failed, or that may be somebody else's answer, tells nothing. */
  #wordOfLookup(flight: number, outcome: number, gate: ProcessorGate): number {
    if (outcome === NOT_FOUND) {
      // Where every POST is answered 404, so is every GET: nobody who knows the payment has said so.
      if (gate.downReason === MISCONFIGURED) return NOT_TOLD;
      const sinceMs = this.#flights.beganAtMs[flight]! - this.#flights.postBeganAtMs[flight]!;
      const isContradiction = this.#flights.postOutcome[flight] === ALREADY_CHARGED && sinceMs < CONTRADICTION_MS;
      return isContradiction ? NOT_TOLD : NOT_FOUND;
    }
    // Sent once, nothing that is charged there can be ours but at our requestedAt.
    if (outcome === DISPUTED)
      return this.#ledger.rows.attemptCount[this.#flights.slot[flight]!] === 1 ? FOREIGN : DISPUTED;
    return outcome === FOUND || outcome === FOREIGN || outcome === UNREADABLE ? outcome : NOT_TOLD;
  }

  #conclude(flight: number, slot: number, outcome: number, isAnswered: boolean, gate: ProcessorGate): void {
    const flights = this.#flights;
    const { rows } = this.#ledger;
    const isFirst = rows.state[slot] === SENDING;
    const verdict = verdictOn(outcome, isFirst ? NOTHING_SENT : rows.mayLand[slot] === 1 ? ONE_MAY_LAND : ALL_ENDED);
    const processor = flights.processor[flight]!;
    const elapsedMs = this.#nowMs - flights.beganAtMs[flight]!;
    if (verdict === VERDICT_CHARGED) {
      this.#record(PROCESSED_AT, slot, processor, outcome, elapsedMs);
    } else if (verdict === VERDICT_FOREIGN) {
      this.#record(FAILED_AT, slot, processor, FOREIGN, elapsedMs);
    } else if (verdict === VERDICT_REFUSED) {
      this.#refused(flight, slot, outcome, gate);
    } else {
      this.#record(DOUBTED, slot, processor, outcome, elapsedMs);
      if (isAnswered && !isFirst && !gate.isDown) flights.answerCount[flight]!++;
      this.#doubts.defer(flight, outcome, verdict === VERDICT_MAY_LAND, this.#nowMs);
      return;
    }
    flights.close(flight);
  }

  /** Certainly not charged there: the payment may go anywhere, unless it is one that nobody takes. */
  #refused(flight: number, slot: number, outcome: number, gate: ProcessorGate): void {
    const { rows } = this.#ledger;
    const processor = this.#flights.processor[flight]!;
    // Of a doubt, all of its time is dated: until this record is written its charge may yet be counted.
    const elapsedMs =
      outcome === NOT_FOUND ? this.#sinceRequestedMs(slot) : this.#nowMs - this.#flights.beganAtMs[flight]!;
    if (outcome === REJECTED && !gate.isDown && rows.rejectionCount[slot]! >= REJECTIONS_MAX - 1) {
      this.#record(FAILED_AT, slot, processor, REJECTED, elapsedMs);
      return;
    }
    this.#record(REFUSED, slot, processor, outcome === NOT_FOUND ? NOT_CHARGED : outcome, elapsedMs);
    const isOdd = outcome === REJECTED || (outcome === NOT_FOUND && this.#wasSilent(flight));
    if (isOdd && !gate.isDown) {
      this.#backlog.setBack(slot, rows.attemptCount[slot]!, this.#nowMs);
      return;
    }
    // Once the processor is to blame, no payment waits to show that it is not.
    if (isOdd) this.#backlog.releaseSetbacks();
    // A probe goes behind the others, so that one odd payment cannot be every probe.
    if (isOdd || this.#flights.probe[flight] !== NO_PROBE) this.#backlog.push(slot);
    else this.#backlog.pushFirst(slot);
  }

  #sinceRequestedMs(slot: number): number {
    return Math.max(0, this.#nowMs - this.#ledger.rows.requestedAtMs(slot));
  }

  #record(kind: number, slot: number, processor: number, outcome: number, elapsedMs: number): void {
    this.#ledger.record(this.#batch, kind, slot, this.#nowMs, processor, outcome, elapsedMs);
  }
}

/** Whether the processor, or somebody in its place, said something. */
function isAnswer(outcome: number): boolean {
  return outcome !== TIMED_OUT && outcome !== RESET && outcome !== DROPPED && outcome !== UNREACHABLE;
}
