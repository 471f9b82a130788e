import * as FlightState from "../../core/routing/flight-state.ts";
import * as Outcome from "../../core/values/outcome.ts";
import type { Random } from "../support/random.ts";
import type { Weather } from "./plan.ts";
import type { VirtualClock } from "./virtual-clock.ts";
import type { Charge, VirtualProcessor } from "./virtual-processor.ts";

const LATENCY_MS_MAX = 3;
const LATE_MS_MAX = 4000;

/** What is asked of a processor: to charge, or whether it has charged. */
export type Question = {
  how: typeof FlightState.POSTING | typeof FlightState.LOOKING_UP;
  processor: number;
  charge: Charge;
};

/**
 * A request as its sender sees it. As with server/sending/processor-client.ts, a request that was not begun when its time is up never
 * leaves, and each ends exactly once.
 */
export class VirtualRequest {
  hasBegun = false;
  readonly #onOutcome: (outcome: number) => void;
  #isOver = false;

  constructor(onOutcome: (outcome: number) => void) {
    this.#onOutcome = onOutcome;
  }

  timeOut(): void {
    this.end(this.hasBegun ? Outcome.TIMED_OUT : Outcome.UNREACHABLE);
  }

  end(outcome: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOutcome(outcome);
  }
}

/** The way to the processors and back. What has left goes on its way even if its sender dies. */
export class VirtualNetwork {
  /** By processor; undefined in good weather. */
  readonly weather: (Weather | undefined)[] = [];
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #processors: readonly VirtualProcessor[];

  #underWayCount = 0;

  constructor(clock: VirtualClock, random: Random, processors: readonly VirtualProcessor[]) {
    this.#clock = clock;
    this.#random = random;
    this.#processors = processors;
  }

  /** Requests that will still reach a processor, or are being worked on there. */
  get underWayCount(): number {
    return this.#underWayCount;
  }

  latencyMs(): number {
    return this.#random.below(LATENCY_MS_MAX + 1);
  }

  send(question: Question, request: VirtualRequest): void {
    const weather = this.weather[question.processor];
    if (weather && this.#happens(weather.neverConnects)) return;
    if (weather && this.#happens(weather.unreachable)) {
      this.#clock.after(this.latencyMs(), () => request.end(Outcome.UNREACHABLE));
      return;
    }
    request.hasBegun = true;
    if (weather && this.#happens(weather.resetBefore))
      this.#clock.after(this.latencyMs(), () => request.end(Outcome.RESET));
    if (weather && this.#happens(weather.lostBefore)) return;
    const isLate = weather !== undefined && this.#happens(weather.late);
    const delayMs = this.latencyMs() + (isLate ? this.#random.below(LATE_MS_MAX) : 0);
    this.#underWayCount++;
    this.#clock.after(delayMs, () => this.#deliver(question, request));
  }

  #deliver(question: Question, request: VirtualRequest): void {
    const { how, processor, charge } = question;
    const target = this.#processors[processor]!;
    if (how === FlightState.POSTING) {
      target.post(charge, (status) => this.#answer(processor, request, outcomeOfPost(status), Outcome.UNEXPECTED));
    } else {
      const { payment } = charge;
      target.lookup(payment, (status, found) =>
        this.#answer(processor, request, outcomeOfLookup(status, found, charge), Outcome.NOT_TOLD),
      );
    }
  }

  #answer(processor: number, request: VirtualRequest, outcome: number, garbled: number): void {
    this.#underWayCount--;
    const weather = this.weather[processor];
    if (weather && this.#happens(weather.lostAfter)) return;
    const isReset = weather !== undefined && this.#happens(weather.resetAfter);
    const isGarbled = weather !== undefined && this.#happens(weather.garbage);
    const seen = isReset ? Outcome.RESET : isGarbled ? garbled : outcome;
    this.#clock.after(this.latencyMs(), () => request.end(seen));
  }

  #happens(chance: number): boolean {
    return chance > 0 && this.#random.chance(chance);
  }
}

/** As server/sending/processor-client.ts reads an answer to POST. */
function outcomeOfPost(status: number): number {
  if (status === 200) return Outcome.CHARGED;
  if (status === 422) return Outcome.ALREADY_CHARGED;
  return status === 500 ? Outcome.FAILING : Outcome.OVERLOADED;
}

/** As server/sending/processor-client.ts reads an answer to GET. */
function outcomeOfLookup(status: number, found: Charge | undefined, ours: Charge): number {
  if (status === 404) return Outcome.NOT_FOUND;
  if (found === undefined) return Outcome.NOT_TOLD;
  return found.requestedAtMs === ours.requestedAtMs && found.cents === ours.cents ? Outcome.FOUND : Outcome.FOREIGN;
}
