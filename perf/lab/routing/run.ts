import { Engine, type EngineOptions } from "../../../core/engine.ts";
import * as FlightState from "../../../core/routing/flight-state.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import type { Router } from "../../../core/routing/router.ts";
import { Ways } from "../../../core/routing/ways.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import * as State from "../../../core/values/state.ts";
import { SendPacer } from "../../../server/sending/send-pacer.ts";
import { EventQueue } from "./event-queue.ts";
import { isAllowed, leastAllowedFeePpm } from "./rule.ts";
import { NETWORK_MS, VirtualProcessor } from "./virtual-processor.ts";
import type { Weather } from "./weather.ts";

/** What came of a weather under a policy. */
export type RunResult = {
  readonly paymentCount: number;
  /** In payments' amounts: charged in time, less the fees. What broke the rule earns no more than who kept to it. */
  readonly earned: number;
  readonly inTimeCount: number;
  /** Not charged when the load ends, of those accepted half a second before. */
  readonly lagCount: number;
  /** Never charged, however long one waits. */
  readonly lostCount: number;
  readonly perProcessor: readonly number[];
  /** Times that the processor changed which takes the payments. */
  readonly switchCount: number;
  readonly doubtCount: number;
  /** Attempts that got 429. */
  readonly refusedCount: number;
  /** By processor, a second each: payments sent; and how many waited at its end. */
  readonly sentPerS: readonly (readonly number[])[];
  readonly waitingAtS: readonly number[];
};

/** `undefined`: the product's policy. */
export type MakeRouter = ((ways: Ways, health: HealthSnapshot, weather: Weather) => Router) | undefined;

const ACCEPT = 0;
const WORKED = 1;
const ANSWERED = 2;
const TIMED_OUT = 3;
const POLL = 4;
const TICK = 5;
const CREDIT = 6;
const ARRIVED = 7;
const LOOKUP = 8;

const EVENTS = { worked: WORKED, answered: ANSWERED };
const BEGAN_AT_MS = Date.UTC(2026, 0, 1);
const POLL_EVERY_MS = 5000;
const TICK_MS = 20;
const CREDIT_WAIT_MS = 1;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_IN_FLIGHT = 1024;
/** After the load's end and the time to settle. */
const PATIENCE_MS = 30_000;
const LAG_FREE_MS = 500;
/** Payments in a row by which a processor is taken for the one in use. */
const IN_USE_COUNT = 5;

/** Runs the product's engine, gates, limits and pacer through a weather, in virtual time. */
export function runWeather(weather: Weather, makeRouter: MakeRouter, options: Partial<EngineOptions> = {}): RunResult {
  return new Run(weather, makeRouter, options).run();
}

class Run {
  readonly #weather: Weather;
  readonly #engine: Engine;
  readonly #health: HealthSnapshot;
  readonly #pacer = new SendPacer(0);
  readonly #queue = new EventQueue();
  readonly #processors: readonly VirtualProcessor[];
  readonly #id = new Int32Array(4);
  /** Of each request: its flight and payment, and whether it is still waited for. */
  readonly #flightOf: number[] = [];
  readonly #paymentOf: number[] = [];
  readonly #isOut: boolean[] = [];
  readonly #sentAtMs: Float64Array;
  readonly #sentTo: Uint8Array;
  readonly #sentPerS: number[][];
  readonly #waitingAtS: number[] = [];
  #isCreditDue = false;
  #doubtCount = 0;
  #switchCount = 0;
  #inUse = -1;
  #candidate = -1;
  #candidateCount = 0;

  constructor(weather: Weather, makeRouter: MakeRouter, options: Partial<EngineOptions>) {
    const { processors, arrivalsMs, settleWithinMs, answerWithinMs, waitsForSlow, durationMs } = weather;
    this.#weather = weather;
    this.#health = new HealthSnapshot(processors.length);
    const terms = processors.map(({ feePpm }, p) => ({ name: `p${p}`, feePpm, maxInFlight: MAX_IN_FLIGHT }));
    const ways = Ways.open(this.#health, terms);
    const engineOptions = {
      ...{ partition: 0, capacity: arrivalsMs.length + 1, seed: 1, giveUpAfterMs: 3_600_000 },
      ...{ settleWithinMs, answerWithinMs, waitsForSlow, ...options },
    };
    this.#engine = makeRouter
      ? new Engine(ways, engineOptions, makeRouter(ways, this.#health, weather))
      : new Engine(ways, engineOptions);
    this.#processors = processors.map((own, p) => {
      const paymentOf = (request: number): number => this.#paymentOf[request]!;
      return new VirtualProcessor(p, own, this.#queue, EVENTS, arrivalsMs.length, paymentOf);
    });
    this.#sentAtMs = new Float64Array(arrivalsMs.length);
    this.#sentTo = new Uint8Array(arrivalsMs.length);
    this.#sentPerS = processors.map(() =>
      new Array<number>(Math.ceil((durationMs + settleWithinMs) / 1000) + 60).fill(0),
    );
  }

  run(): RunResult {
    const { arrivalsMs, durationMs, settleWithinMs, processors } = this.#weather;
    const endMs = durationMs + settleWithinMs + PATIENCE_MS;
    for (let p = 0; p < processors.length; p++) this.#queue.add((p * POLL_EVERY_MS) / processors.length, POLL, p);
    this.#queue.add(TICK_MS, TICK, 0);
    if (arrivalsMs.length > 0) this.#queue.add(arrivalsMs[0]!, ACCEPT, 0);
    while (this.#queue.nextAtMs <= endMs && this.#queue.take()) {
      if (this.#queue.atMs > durationMs && this.#isIdle) break;
      this.#handle();
    }
    return this.#result();
  }

  get #isIdle(): boolean {
    const { ledger } = this.#engine;
    return ledger.head === this.#weather.arrivalsMs.length && ledger.countIn(State.PROCESSED) === ledger.head;
  }

  #handle(): void {
    const { atMs, kind, first, second } = this.#queue;
    if (kind === WORKED) this.#processors[second]!.worked(first, atMs);
    else if (kind === ARRIVED) this.#processors[second]!.post(first, atMs);
    else if (kind === LOOKUP) this.#lookedUp(first, second, atMs);
    else {
      if (kind === ACCEPT) this.#accept(first, atMs);
      else if (kind === ANSWERED) this.#ended(first, second, atMs);
      else if (kind === TIMED_OUT) this.#ended(first, Outcome.TIMED_OUT, atMs);
      else if (kind === POLL) this.#poll(first, atMs);
      else if (kind === CREDIT) this.#isCreditDue = false;
      else this.#tick(atMs);
      this.#gather(atMs);
    }
  }

  #accept(payment: number, atMs: number): void {
    const { arrivalsMs } = this.#weather;
    this.#id[0] = payment;
    this.#id[3] = 1;
    this.#engine.accept(this.#id, 0, 1990, BEGAN_AT_MS + atMs);
    if (payment + 1 < arrivalsMs.length) this.#queue.add(arrivalsMs[payment + 1]!, ACCEPT, payment + 1);
  }

  #ended(request: number, outcome: number, atMs: number): void {
    if (!this.#isOut[request]) return;
    this.#isOut[request] = false;
    if (outcome === Outcome.TIMED_OUT) this.#doubtCount++;
    this.#engine.settle(this.#flightOf[request]!, outcome, BEGAN_AT_MS + atMs);
  }

  #poll(processor: number, atMs: number): void {
    const { failing, delayMs } = this.#processors[processor]!.spellAt(atMs);
    this.#health.polled(processor, failing, delayMs, BEGAN_AT_MS + atMs);
    this.#queue.add(atMs + POLL_EVERY_MS, POLL, processor);
  }

  #tick(atMs: number): void {
    if (Math.floor(atMs / 1000) >= this.#waitingAtS.length)
      this.#waitingAtS.push(this.#engine.ledger.countIn(State.PENDING));
    this.#queue.add(atMs + TICK_MS, TICK, 0);
  }

  /** As Dispatcher.gather does in one turn after another. */
  #gather(atMs: number): void {
    const engine = this.#engine;
    const nowMs = BEGAN_AT_MS + atMs;
    this.#pacer.refill(nowMs, engine.ledger.head, engine.ledger.countIn(State.PENDING));
    for (;;) {
      if (!this.#pacer.hasCredit) {
        if (!this.#isCreditDue) this.#queue.add(atMs + CREDIT_WAIT_MS, CREDIT, 0);
        this.#isCreditDue = true;
        break;
      }
      const flight = engine.dispatch(nowMs);
      if (flight === NO_FLIGHT) break;
      this.#pacer.sent();
      this.#send(flight, atMs);
      if (engine.batch.isHalfFull) engine.batch.clear();
    }
    engine.batch.clear();
  }

  #send(flight: number, atMs: number): void {
    const { flights, ledger } = this.#engine;
    const slot = flights.slot[flight]!;
    const processor = flights.processor[flight]!;
    // Slot and sequence and the payment's number are the same here: nothing is ever dropped.
    const request = this.#flightOf.push(flight) - 1;
    this.#paymentOf.push(slot);
    this.#isOut.push(true);
    if (flights.state[flight] === FlightState.LOOKING_UP) {
      this.#queue.add(atMs + NETWORK_MS, LOOKUP, request, processor);
      return;
    }
    this.#queue.add(atMs + NETWORK_MS, ARRIVED, request, processor);
    this.#queue.add(atMs + REQUEST_TIMEOUT_MS, TIMED_OUT, request);
    if (ledger.rows.state[slot] === State.SENDING) this.#noteSent(slot, processor, atMs);
  }

  #lookedUp(request: number, processor: number, atMs: number): void {
    const isCharged = this.#processors[processor]!.isCharged(this.#paymentOf[request]!);
    this.#queue.add(atMs + NETWORK_MS, ANSWERED, request, isCharged ? Outcome.FOUND : Outcome.NOT_FOUND);
  }

  #noteSent(payment: number, processor: number, atMs: number): void {
    this.#sentAtMs[payment] = atMs;
    this.#sentTo[payment] = processor;
    const second = Math.floor(atMs / 1000);
    const perS = this.#sentPerS[processor]!;
    if (second < perS.length) perS[second]!++;
    this.#candidateCount = processor === this.#candidate ? this.#candidateCount + 1 : 1;
    this.#candidate = processor;
    if (this.#candidateCount !== IN_USE_COUNT || processor === this.#inUse) return;
    if (this.#inUse >= 0) this.#switchCount++;
    this.#inUse = processor;
  }

  #result(): RunResult {
    const { arrivalsMs, durationMs, settleWithinMs, processors } = this.#weather;
    const counts = { earned: 0, inTimeCount: 0, lagCount: 0, lostCount: 0 };
    const perProcessor = processors.map(() => 0);
    for (let payment = 0; payment < arrivalsMs.length; payment++) {
      const acceptedAtMs = arrivalsMs[payment]!;
      const charges = this.#processors.flatMap(({ chargedAtMs }, p) =>
        Number.isNaN(chargedAtMs[payment]!) ? [] : [{ p, atMs: chargedAtMs[payment]! }],
      );
      if (charges.length > 1)
        throw new Error(`a payment is charged once: weather=${this.#weather.name} payment=${payment}`);
      const [charge] = charges;
      if (charge === undefined) counts.lostCount++;
      if ((charge?.atMs ?? Number.POSITIVE_INFINITY) > durationMs && acceptedAtMs < durationMs - LAG_FREE_MS)
        counts.lagCount++;
      if (charge === undefined) continue;
      perProcessor[charge.p]!++;
      if (charge.atMs > acceptedAtMs + settleWithinMs) continue;
      counts.inTimeCount++;
      counts.earned += 1 - this.#creditedFeePpm(payment, charge.p) / 1e6;
    }
    const sentPerS = this.#sentPerS;
    const waitingAtS = this.#waitingAtS;
    const { length: paymentCount } = arrivalsMs;
    const refusedCount = this.#processors.reduce((sum, processor) => sum + processor.refusedCount, 0);
    const rest = { switchCount: this.#switchCount, doubtCount: this.#doubtCount, refusedCount, sentPerS, waitingAtS };
    return { paymentCount, ...counts, perProcessor, ...rest };
  }

  #creditedFeePpm(payment: number, processor: number): number {
    const { processors, answerWithinMs } = this.#weather;
    const { feePpm } = processors[processor]!;
    const atMs = this.#sentAtMs[payment]!;
    // What was under way as the processor became slow broke no rule that anybody could keep.
    if (isAllowed(processors, processor, atMs, answerWithinMs)) return feePpm;
    const allowedPpm = leastAllowedFeePpm(processors, atMs, answerWithinMs);
    return Number.isFinite(allowedPpm) ? Math.max(feePpm, allowedPpm) : feePpm;
  }
}
