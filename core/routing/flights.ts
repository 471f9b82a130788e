import type { Column, Flight, OutcomeCode, Slot } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import * as FlightState from "./flight-state.ts";

/** By POST where the processor takes payments, by GET where not. */
export const BY_EITHER = 0;
/** By GET, and then by either. */
export const LOOKUP_FIRST = 1;
/** By GET: nothing is under way, so what a lookup says is final. */
export const LOOKUP_SETTLES = 2;

/**
 * Asked and answered this often, a doubt will hardly be settled by asking again: it is *stuck*, and needs an operator.
 */
export const ANSWERS_TO_STUCK = 16;

export const NO_FLIGHT = -1;

export class Flights {
  /** Places per processor: one that hangs cannot use up the places of the other. */
  readonly quota: number;
  readonly state: Uint8Array;
  readonly slot: Column<Slot>;
  readonly processor: Uint8Array;
  /** When this attempt began, in engine time. */
  readonly beganAtMs: Float64Array;
  /** When a doubt is to be asked about again. */
  readonly dueAtMs: Float64Array;
  /** Times a doubt was asked about, for the backoff. */
  readonly askCount: Uint32Array;
  /** How a doubt is to be asked about: BY_EITHER, LOOKUP_FIRST or LOOKUP_SETTLES. */
  readonly askMode: Uint8Array;
  /** Times the processor answered, while it worked, and the doubt remained. */
  readonly answerCount: Uint32Array;
  /**
   * What the last POST ended in, and when it began and ended. Before the first has ended: Outcome.NONE, and when the
   * flight was opened.
   */
  readonly postOutcome: Column<OutcomeCode>;
  readonly postBeganAtMs: Float64Array;
  readonly postEndedAtMs: Float64Array;
  /** 1: that outcome says nothing of the processor (sign: silent), and no lookup has been answered since that would. */
  readonly isUnexplained: Uint8Array;
  readonly #isDoubtful: Uint8Array;
  /** Number of the probe the attempt is (see ProcessorGate), 0 for none. */
  readonly probe: Uint32Array;
  readonly #free: Int32Array;
  /** Of all flights within the quota, those of other engines too. */
  readonly #openCounts: Int32Array;
  readonly #doubtCounts: Int32Array;
  readonly #candidateCounts: Int32Array;
  /** Places given back; beyond the high water all are free. */
  #freeCount = 0;
  /** Places ever used: how far a scan has to go. */
  #highWater = 0;

  /** `quota` in payments per processor, over all engines that count in `openCounts`. */
  constructor(quota: number, processorCount: number, openCounts: Int32Array = new Int32Array(processorCount)) {
    this.#openCounts = openCounts;
    this.#doubtCounts = new Int32Array(processorCount);
    this.#candidateCounts = new Int32Array(processorCount);
    const capacity = quota * processorCount;
    this.quota = quota;
    this.state = new Uint8Array(capacity);
    this.slot = new Int32Array(capacity);
    this.processor = new Uint8Array(capacity);
    this.beganAtMs = new Float64Array(capacity);
    this.dueAtMs = new Float64Array(capacity);
    this.askCount = new Uint32Array(capacity);
    this.askMode = new Uint8Array(capacity);
    this.answerCount = new Uint32Array(capacity);
    this.postOutcome = new Uint8Array(capacity);
    this.postBeganAtMs = new Float64Array(capacity);
    this.postEndedAtMs = new Float64Array(capacity);
    this.isUnexplained = new Uint8Array(capacity);
    this.#isDoubtful = new Uint8Array(capacity);
    this.probe = new Uint32Array(capacity);
    this.#free = new Int32Array(capacity);
  }

  /** Empty flights of another engine, within the same quota. */
  beside(): Flights {
    return new Flights(this.quota, this.#openCounts.length, this.#openCounts);
  }

  hasRoom(processor: number): boolean {
    return this.#openCounts[processor]! < this.quota;
  }

  /** Places in use, in flight or in doubt, by all engines within the quota. */
  openCount(processor: number): number {
    return this.#openCounts[processor]!;
  }

  /** Doubts waiting to be asked about. */
  doubtCount(processor: number): number {
    return this.#doubtCounts[processor]!;
  }

  /** Payments in doubt, asked about just now or waiting, by which the processor can be probed. */
  probeCandidateCount(processor: number): number {
    return this.#candidateCounts[processor]!;
  }

  isStuck(flight: Flight): boolean {
    return this.answerCount[flight]! >= ANSWERS_TO_STUCK;
  }

  get highWater(): number {
    return this.#highWater;
  }

  /** The flight of the payment in `slot`, or NO_FLIGHT. Looks through all. */
  find(slot: Slot): Flight {
    for (let flight = 0; flight < this.#highWater; flight++) {
      const isLive = this.state[flight] !== FlightState.FREE && !this.isOrphan(flight);
      if (isLive && this.slot[flight] === slot) return flight;
    }
    return NO_FLIGHT;
  }

  /** The caller has seen that the processor has room. */
  open(slot: Slot, processor: number, nowMs: number, probe = 0): Flight {
    if (!this.hasRoom(processor))
      throw new Error(`flights keep to their quota: processor=${processor} quota=${this.quota}`);
    return this.openKnown(slot, processor, nowMs, probe);
  }

  /**
   * Of a payment that was sent in another life: it has a place, even beyond the quota that all engines share. Then no
   * new one is sent until there is room again.
   */
  openKnown(slot: Slot, processor: number, nowMs: number, probe = 0): Flight {
    const flight = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : this.#highWater++;
    this.state[flight] = FlightState.POSTING;
    this.slot[flight] = slot;
    this.processor[flight] = processor;
    this.beganAtMs[flight] = nowMs;
    this.askCount[flight] = 0;
    this.askMode[flight] = BY_EITHER;
    this.answerCount[flight] = 0;
    this.postOutcome[flight] = Outcome.NONE;
    this.postBeganAtMs[flight] = nowMs;
    this.postEndedAtMs[flight] = nowMs;
    this.isUnexplained[flight] = 0;
    this.#isDoubtful[flight] = 0;
    this.probe[flight] = probe;
    this.#openCounts[processor]!++;
    return flight;
  }

  /** `mode` is how it is asked about next. */
  doubt(flight: Flight, dueAtMs: number, mode = BY_EITHER): void {
    const processor = this.processor[flight]!;
    this.#countCandidate(flight, -1);
    this.#isDoubtful[flight] = 1;
    this.askMode[flight] = mode;
    this.#countCandidate(flight, 1);
    this.state[flight] = FlightState.DOUBT;
    this.dueAtMs[flight] = dueAtMs;
    this.#doubtCounts[processor]!++;
  }

  ask(flight: Flight, how: typeof FlightState.POSTING | typeof FlightState.LOOKING_UP, nowMs: number, probe = 0): void {
    this.state[flight] = how;
    this.beganAtMs[flight] = nowMs;
    this.askCount[flight]!++;
    this.probe[flight] = probe;
    this.#doubtCounts[this.processor[flight]!]!--;
  }

  /** The request did not leave after all. */
  unask(flight: Flight): void {
    this.askCount[flight]!--;
    this.state[flight] = FlightState.DOUBT;
    this.#doubtCounts[this.processor[flight]!]!++;
  }

  close(flight: Flight): void {
    const processor = this.processor[flight]!;
    if (this.state[flight] === FlightState.FREE) throw new Error(`a flight is closed once: flight=${flight}`);
    if (this.state[flight] === FlightState.DOUBT) this.#doubtCounts[processor]!--;
    this.#countCandidate(flight, -1);
    this.#isDoubtful[flight] = 0;
    this.state[flight] = FlightState.FREE;
    this.#openCounts[processor]!--;
    this.#free[this.#freeCount++] = flight;
  }

  #countCandidate(flight: Flight, sign: number): void {
    if (this.#isDoubtful[flight] === 0 || this.askMode[flight] === LOOKUP_SETTLES) return;
    this.#candidateCounts[this.processor[flight]!]! += sign;
  }

  /** All payments are gone: doubts are closed, what is in flight waits for its answer as an orphan. */
  orphanAll(): void {
    for (let flight = 0; flight < this.#highWater; flight++) {
      const state = this.state[flight];
      if (state === FlightState.DOUBT) this.close(flight);
      else if (state === FlightState.POSTING) this.state[flight] = FlightState.ORPHAN_POST;
      else if (state === FlightState.LOOKING_UP) this.state[flight] = FlightState.ORPHAN_LOOKUP;
    }
  }

  isOrphan(flight: Flight): boolean {
    return this.state[flight]! >= FlightState.ORPHAN_POST;
  }
}
