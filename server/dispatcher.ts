import type { Logger } from "pino";
import type { Engine } from "../core/engine.ts";
import { NO_FLIGHT, POSTING } from "../core/flights.ts";
import { FAILED, OUTCOME_NAMES, PENDING, PROCESSED, PROCESSOR_NAMES } from "../core/payment.ts";
import { formatUuid, UUID_WORDS } from "../core/uuid.ts";
import { NOT_FOUND_SLOT } from "../core/uuid-index.ts";
import type { SlewedClock } from "./clock.ts";
import { ProcessorClient } from "./processor-client.ts";

/** Requests begun per turn of the event loop: what has arrived meanwhile is accepted before the backlog goes on. */
const SENDS_PER_TURN = 4;
/** Resolution of everything that waits in the engine: probes, doubts, patience, timeouts, giving up. */
const TICK_MS = 20;
const CLOCK_ADJUST_TICKS = 50;

export type DispatcherOptions = { processorUrls: readonly URL[]; maxInFlight: number; requestTimeoutMs: number };

/** Carries out what the engine decides: sends, and reports back what came of it. */
export class Dispatcher {
  readonly #engine: Engine;
  readonly #clock: SlewedClock;
  readonly #logger: Logger;
  readonly #logsOutcomes: boolean;
  readonly #requestTimeoutMs: number;
  readonly #clients: readonly ProcessorClient[];
  readonly #wasDown: boolean[];
  readonly #tick: NodeJS.Timeout;
  #isAwake = false;
  #isClosed = false;
  #tickCount = 0;

  constructor(engine: Engine, clock: SlewedClock, logger: Logger, options: DispatcherOptions) {
    this.#engine = engine;
    this.#clock = clock;
    this.#logger = logger;
    this.#logsOutcomes = logger.isLevelEnabled("info");
    this.#requestTimeoutMs = options.requestTimeoutMs;
    this.#clients = options.processorUrls.map(
      (url) =>
        new ProcessorClient(url, options.maxInFlight, engine, (flight, outcome) => this.#settle(flight, outcome)),
    );
    this.#wasDown = this.#clients.map(() => false);
    this.#tick = setInterval(() => this.#onTick(), TICK_MS);
  }

  /** There may be something to send: looked at after the events of this turn. Hot. */
  wake(): void {
    if (this.#isAwake || this.#isClosed) return;
    this.#isAwake = true;
    setImmediate(this.#turn);
  }

  /** Payments whose fate is open at a processor right now. */
  get inFlightCount(): number {
    return this.#engine.router.gates.reduce((sum, gate) => sum + gate.inFlightCount, 0);
  }

  /** Stops sending, waits for the answers to what was sent, at most `graceMs`, and closes every connection. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.#tick);
    this.#isClosed = true;
    const untilMs = performance.now() + graceMs;
    while (this.inFlightCount > 0 && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  readonly #turn = (): void => {
    this.#isAwake = false;
    if (this.#isClosed) return;
    const nowMs = this.#clock.nowMs();
    for (let sent = 0; sent < SENDS_PER_TURN; sent++) {
      const flight = this.#engine.dispatch(nowMs);
      if (flight === NO_FLIGHT) return;
      const client = this.#clients[this.#engine.flights.processor[flight]!]!;
      if (this.#engine.flights.state[flight] === POSTING) client.post(flight);
      else client.lookup(flight);
    }
    this.wake();
  };

  #settle(flight: number, outcome: number): void {
    const processor = this.#engine.flights.processor[flight]!;
    const nowMs = this.#clock.nowMs();
    const elapsedMs = nowMs - this.#engine.flights.beganAtMs[flight]!;
    const slot = this.#engine.settle(flight, outcome, nowMs);
    if (this.#logsOutcomes && slot !== NOT_FOUND_SLOT) this.#logAttempt(slot, processor, outcome, elapsedMs);
    this.#noteHealth();
    this.wake();
  }

  #onTick(): void {
    const nowMs = this.#clock.nowMs();
    if (++this.#tickCount % CLOCK_ADJUST_TICKS === 0) this.#clock.adjust();
    for (const client of this.#clients) client.expire(nowMs - this.#requestTimeoutMs);
    this.#engine.giveUpOld(nowMs, (slot) => {
      if (this.#logsOutcomes) this.#logger.info({ correlationId: this.#idOf(slot) }, "payment failed: gave up");
    });
    this.#noteHealth();
    if (this.#engine.ledger.countIn(PENDING) > 0 || this.#engine.hasDoubts) this.wake();
  }

  #logAttempt(slot: number, processor: number, outcome: number, ms: number): void {
    const state = this.#engine.ledger.rows.state[slot]!;
    const line = {
      correlationId: this.#idOf(slot),
      processor: PROCESSOR_NAMES[processor],
      ms,
      outcome: OUTCOME_NAMES[outcome],
    };
    if (state === PROCESSED) this.#logger.info(line, "payment processed");
    else if (state === FAILED) this.#logger.info(line, "payment failed");
    else this.#logger.debug(line, "attempt ended");
  }

  #noteHealth(): void {
    for (let p = 0; p < this.#clients.length; p++) {
      const { isDown } = this.#engine.router.gates[p]!;
      if (isDown === this.#wasDown[p]) continue;
      this.#wasDown[p] = isDown;
      this.#logger.warn({ processor: PROCESSOR_NAMES[p] }, isDown ? "processor down" : "processor back");
    }
  }

  #idOf(slot: number): string {
    return formatUuid(this.#engine.ledger.rows.correlationIds, slot * UUID_WORDS);
  }
}
