import * as Verdict from "../answers/verdict.ts";
import { ALL_ENDED, NOTHING_SENT, ONE_MAY_LAND, signOf } from "../answers/verdict.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../ledger/uuid-index.ts";
import type { RecordBatches } from "../log/record-batches.ts";
import * as Kind from "../log/record-kind.ts";
import type { Backlog } from "../routing/backlog.ts";
import type { EngineParts } from "../routing/dispatch.ts";
import type { Doubts } from "../routing/doubts.ts";
import * as FlightState from "../routing/flight-state.ts";
import { type Flights, NO_FLIGHT } from "../routing/flights.ts";
import type { ProcessorGate } from "../routing/processor-gate.ts";
import type { Flight, OutcomeCode, Slot } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import * as State from "../values/state.ts";

/** A payment rejected so often in a row will not be taken at all. */
const REJECTIONS_MAX = 8;
/** A 404 right after a 422 contradicts it, and is not believed yet. */
const CONTRADICTION_MS = 1000;
/** What an operator can say of a payment in doubt, or of one that is held. */
export const HAND_WORDS = ["charged", "not charged", "failed"] as const;
export type HandWord = (typeof HAND_WORDS)[number];
export type HandResult =
  | "settled"
  /** Nor held. */
  | "not in doubt"
  | "being asked about"
  /** Held, and sent nowhere as far as is known: that it was charged does not say where. */
  | "at no processor";

/**
 * What the end of a request means: for its payment (verdict.ts), on record; for its processor, by the gate; and for
 * what is to be done next. Times are engine time.
 */
export class Settlement {
  readonly #ledger: Ledger;
  readonly #batches: RecordBatches;
  readonly #flights: Flights;
  readonly #gates: readonly ProcessorGate[];
  readonly #doubts: Doubts;
  readonly #backlog: Backlog;
  #nowMs = 0;

  constructor(parts: EngineParts) {
    this.#ledger = parts.ledger;
    this.#batches = parts.batches;
    this.#flights = parts.flights;
    this.#gates = parts.gates;
    this.#doubts = parts.doubts;
    this.#backlog = parts.backlog;
  }

  /** See Engine.unask. */
  unask(flight: Flight, nowMs: number): void {
    this.#nowMs = nowMs;
    const gate = this.#gates[this.#flights.processor[flight]!]!;
    if (this.#flights.isOrphan(flight)) {
      this.#endOrphan(flight, gate);
      return;
    }
    if (this.#ledger.rows.state[this.#flights.slot[flight]!] === State.SENDING)
      throw new Error(`a first sending is taken back with its record: flight=${flight}`);
    if (this.#flights.state[flight] === FlightState.LOOKING_UP) gate.lookupEnded();
    else gate.postDropped(this.#flights.probe[flight]!, this.#flights.beganAtMs[flight]!);
    this.#flights.unask(flight);
    this.#doubts.putOff(flight, this.#nowMs);
  }

  /**
   * What became of a flight. Returns the slot it was about, or NOT_FOUND_SLOT if its payment was purged or settled
   * meanwhile.
   */
  settle(flight: Flight, outcome: OutcomeCode, nowMs: number): Slot {
    this.#nowMs = nowMs;
    const flights = this.#flights;
    const ledger = this.#ledger;
    const state = flights.state[flight]!;
    const gate = this.#gates[flights.processor[flight]!]!;
    if (state === FlightState.FREE || state === FlightState.DOUBT)
      throw new Error(`a flight is settled while its request is out: flight=${flight}`);
    if (flights.isOrphan(flight)) {
      this.#endOrphan(flight, gate);
      return NOT_FOUND_SLOT;
    }
    const slot = flights.slot[flight]!;
    const beganAtMs = flights.beganAtMs[flight]!;
    const sequence = ledger.sequenceOf(slot);
    const wasDown = gate.isDown;
    if (state === FlightState.POSTING) {
      flights.postOutcome[flight] = outcome;
      flights.postBeganAtMs[flight] = beganAtMs;
      flights.postEndedAtMs[flight] = this.#nowMs;
      flights.isUnexplained[flight] = signOf(outcome) === "silent" ? 1 : 0;
      gate.postEnded(outcome, sequence, beganAtMs, this.#nowMs, flights.probe[flight]!);
    } else {
      gate.lookupEnded();
      if (flights.isUnexplained[flight] === 1 && tellsOfPost(outcome)) {
        gate.postExplained(outcome === Outcome.FOUND, sequence, flights.postBeganAtMs[flight]!, this.#nowMs);
        flights.isUnexplained[flight] = 0;
      }
    }
    if (wasDown && !gate.isDown) this.#doubts.hurry(flights.processor[flight]!, this.#nowMs);
    const word = state === FlightState.POSTING ? outcome : this.#wordOfLookup(flight, outcome, gate);
    this.#conclude(flight, slot, word, Outcome.isAnswer(outcome), gate);
    return slot;
  }

  /**
   * An operator's word on a payment in doubt: charged where and when it was sent, not charged there (it is pending
   * again), or failed. Says why it is not taken: the payment is not in doubt, or a request about it is out, whose
   * answer may be another.
   */
  byHand(slot: Slot, word: HandWord, nowMs: number): HandResult {
    this.#nowMs = nowMs;
    const flight = this.#ledger.rows.state[slot] === State.IN_DOUBT ? this.#flights.find(slot) : NO_FLIGHT;
    if (flight === NO_FLIGHT) return "not in doubt";
    if (this.#flights.state[flight] !== FlightState.DOUBT) return "being asked about";
    const kind = kindOf(word);
    this.#record(kind, slot, this.#flights.processor[flight]!, Outcome.SETTLED_BY_HAND, this.#sinceRequestedMs(slot));
    this.#flights.close(flight);
    if (kind === Kind.REFUSED) this.#backlog.insert(slot);
    return "settled";
  }

  #endOrphan(flight: Flight, gate: ProcessorGate): void {
    if (this.#flights.state[flight] === FlightState.ORPHAN_POST)
      gate.postDropped(this.#flights.probe[flight]!, this.#flights.beganAtMs[flight]!);
    else gate.lookupEnded();
    this.#flights.close(flight);
  }

  /** Whether the last POST's answer left open how the processor takes payments. */
  #wasSilent(flight: Flight): boolean {
    const outcome = this.#flights.postOutcome[flight]!;
    return outcome !== Outcome.NONE && signOf(outcome) === "silent";
  }

  /** What a lookup's outcome is worth here: one that failed, or that may be somebody else's answer, tells nothing. */
  #wordOfLookup(flight: Flight, outcome: OutcomeCode, gate: ProcessorGate): OutcomeCode {
    if (outcome === Outcome.NOT_FOUND) {
      // Where every POST is answered 404, so is every GET: nobody who knows the payment has said so.
      if (gate.downReason === Outcome.MISCONFIGURED) return Outcome.NOT_TOLD;
      const sinceMs = this.#flights.beganAtMs[flight]! - this.#flights.postEndedAtMs[flight]!;
      const isContradiction =
        this.#flights.postOutcome[flight] === Outcome.ALREADY_CHARGED && sinceMs < CONTRADICTION_MS;
      return isContradiction ? Outcome.NOT_TOLD : Outcome.NOT_FOUND;
    }
    // Sent once, nothing that is charged there can be ours but at our requestedAt.
    if (outcome === Outcome.DISPUTED)
      return this.#ledger.rows.attemptCount[this.#flights.slot[flight]!] === 1 ? Outcome.FOREIGN : Outcome.DISPUTED;
    return tellsOfPost(outcome) ? outcome : Outcome.NOT_TOLD;
  }

  #conclude(flight: Flight, slot: Slot, outcome: OutcomeCode, isAnswered: boolean, gate: ProcessorGate): void {
    const flights = this.#flights;
    const { rows } = this.#ledger;
    const isFirst = rows.state[slot] === State.SENDING;
    const verdict = Verdict.on(outcome, isFirst ? NOTHING_SENT : rows.mayLand[slot] === 1 ? ONE_MAY_LAND : ALL_ENDED);
    const processor = flights.processor[flight]!;
    const elapsedMs = this.#nowMs - flights.beganAtMs[flight]!;
    if (verdict === Verdict.CHARGED) {
      this.#record(Kind.PROCESSED, slot, processor, outcome, elapsedMs);
    } else if (verdict === Verdict.FOREIGN) {
      this.#record(Kind.FAILED, slot, processor, Outcome.FOREIGN, elapsedMs);
    } else if (verdict === Verdict.REFUSED) {
      this.#refused(flight, slot, outcome, gate);
    } else {
      this.#record(Kind.DOUBTED, slot, processor, outcome, elapsedMs);
      if (isAnswered && !isFirst && !gate.isDown) flights.answerCount[flight]!++;
      this.#doubts.defer(flight, outcome, verdict === Verdict.MAY_LAND, this.#nowMs);
      return;
    }
    flights.close(flight);
  }

  /** Certainly not charged there: the payment may go anywhere, unless it is one that nobody takes. */
  #refused(flight: Flight, slot: Slot, outcome: OutcomeCode, gate: ProcessorGate): void {
    const { rows } = this.#ledger;
    const processor = this.#flights.processor[flight]!;
    // Of a doubt, all of its time is dated: until this record is written its charge may yet be counted.
    const elapsedMs =
      outcome === Outcome.NOT_FOUND ? this.#sinceRequestedMs(slot) : this.#nowMs - this.#flights.beganAtMs[flight]!;
    if (outcome === Outcome.REJECTED && !gate.isDown && rows.rejectionCount[slot]! >= REJECTIONS_MAX - 1) {
      this.#record(Kind.FAILED, slot, processor, Outcome.REJECTED, elapsedMs);
      return;
    }
    this.#record(
      Kind.REFUSED,
      slot,
      processor,
      outcome === Outcome.NOT_FOUND ? Outcome.NOT_CHARGED : outcome,
      elapsedMs,
    );
    const isOdd = outcome === Outcome.REJECTED || (outcome === Outcome.NOT_FOUND && this.#wasSilent(flight));
    if (isOdd && !gate.isDown) {
      this.#backlog.setBack(slot, rows.attemptCount[slot]!, this.#nowMs);
      return;
    }
    // Once the processor is to blame, no payment waits to show that it is not.
    if (isOdd) this.#backlog.releaseSetbacks();
    this.#backlog.insert(slot);
  }

  #sinceRequestedMs(slot: Slot): number {
    return Math.max(0, this.#nowMs - this.#ledger.rows.requestedAtMs(slot));
  }

  #record(kind: number, slot: Slot, processor: number, outcome: OutcomeCode, elapsedMs: number): void {
    this.#ledger.record(this.#batches.current, kind, slot, this.#nowMs, processor, outcome, elapsedMs);
  }
}

/** The kind of the record that says the word. */
export function kindOf(word: HandWord): number {
  if (word === "charged") return Kind.PROCESSED;
  return word === "failed" ? Kind.FAILED : Kind.REFUSED;
}

/** Whether a lookup's outcome says anything of the POST before it: not where it was not answered as one. */
function tellsOfPost(outcome: OutcomeCode): boolean {
  return (
    outcome === Outcome.FOUND ||
    outcome === Outcome.NOT_FOUND ||
    outcome === Outcome.FOREIGN ||
    outcome === Outcome.DISPUTED ||
    outcome === Outcome.UNREADABLE
  );
}
