import type { Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import { NO_FLIGHT } from "../../core/routing/flights.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { PROCESSOR_NAMES } from "../../core/values/processor.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import { StuckWatch } from "../doubts/stuck-watch.ts";
import type { Log } from "../log/log.ts";
import type { Meters } from "../meters/meters.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { SlewedClock } from "../turn/clock.ts";
import type { Effect, GroupCommit } from "../turn/group-commit.ts";
import { ProcessorClient } from "./processor-client.ts";
import { SendPacer } from "./send-pacer.ts";

/** Requests begun per turn of the event loop: what has arrived meanwhile is accepted before more go out. */
const SENDS_PER_TURN = 8;
/** Resolution of everything that waits in the engine: probes, doubts, patience, timeouts, giving up. */
const TICK_MS = 20;
const CREDIT_WAIT_MS = 1;
const CLOCK_ADJUST_TICKS = 50;
const JOURNAL_RETRY_TICKS = 10;
const STUCK_WATCH_TICKS = 50;

export type DispatcherOptions = {
  processorUrls: readonly URL[];
  requestTimeoutMs: number;
  names: NameLookup;
  tracing?: Tracing | undefined;
};

/** Carries out what the engine decides: sends, and reports back what came of it. */
export class Dispatcher {
  readonly #engine: Engine;
  readonly #clock: SlewedClock;
  readonly #commit: GroupCommit;
  readonly #log: Log;
  readonly #meters: Meters;
  readonly #requestTimeoutMs: number;
  readonly #tracing: Tracing | undefined;
  readonly #clients: readonly ProcessorClient[];
  readonly #wasDown: boolean[];
  readonly #pacer: SendPacer;
  readonly #stuckWatch: StuckWatch;
  readonly #tick: NodeJS.Timeout;
  #creditTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #tickCount = 0;

  constructor(
    engine: Engine,
    clock: SlewedClock,
    commit: GroupCommit,
    log: Log,
    meters: Meters,
    options: DispatcherOptions,
  ) {
    this.#engine = engine;
    this.#clock = clock;
    this.#commit = commit;
    commit.onGather = () => this.#gather();
    this.#log = log;
    this.#meters = meters;
    this.#requestTimeoutMs = options.requestTimeoutMs;
    this.#tracing = options.tracing;
    const settle = (flight: number, outcome: number) => this.#settle(flight, outcome);
    this.#clients = options.processorUrls.map(
      (url, processor) =>
        new ProcessorClient(url, engine, meters.attempts[processor]!, settle, options.names, options.tracing),
    );
    this.#pacer = new SendPacer(engine.ledger.head);
    this.#stuckWatch = new StuckWatch(engine, log);
    this.#wasDown = this.#clients.map(() => false);
    this.#tick = setInterval(() => this.#onTick(), TICK_MS);
  }

  /** Payments whose fate is open at a processor right now. */
  get inFlightCount(): number {
    return this.#engine.router.gates.reduce((sum, gate) => sum + gate.inFlightCount, 0);
  }

  /** Stops sending, waits for the answers to what was sent, at most `graceMs`, and closes every connection. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.#tick);
    clearTimeout(this.#creditTimer);
    this.#isClosed = true;
    const untilMs = performance.now() + graceMs;
    while (this.inFlightCount > 0 && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const client of this.#clients) client.close();
  }

  /** Chooses what is sent once this turn's records are written. */
  #gather(): void {
    if (this.#isClosed) return;
    const nowMs = this.#clock.nowMs();
    const { ledger } = this.#engine;
    this.#pacer.refill(nowMs, ledger.head, ledger.countIn(State.PENDING));
    for (let chosen = 0; chosen < SENDS_PER_TURN; chosen++) {
      if (!this.#pacer.hasCredit) {
        this.#awaitCredit();
        return;
      }
      const flight = this.#engine.dispatch(nowMs);
      if (flight === NO_FLIGHT) return;
      this.#pacer.sent();
      this.#commit.add(
        new Send(this.#engine, this.#clock, this.#clients[this.#engine.flights.processor[flight]!]!, flight),
      );
    }
    this.#commit.wake();
  }

  /** The backlog goes on as soon as it may, whether or not anything else happens. */
  #awaitCredit(): void {
    if (!this.#hasWork) return;
    this.#creditTimer ??= setTimeout(() => {
      this.#creditTimer = undefined;
      this.#commit.wake();
    }, CREDIT_WAIT_MS);
  }

  #settle(flight: number, outcome: number): void {
    const processor = this.#engine.flights.processor[flight]!;
    const nowMs = this.#clock.nowMs();
    const elapsedMs = nowMs - this.#engine.flights.beganAtMs[flight]!;
    const slot = this.#engine.settle(flight, outcome, nowMs);
    if (slot !== NOT_FOUND_SLOT) {
      this.#noteOutcome(slot, processor, outcome, elapsedMs);
      this.#tracing?.payments.settled(slot, outcome);
    }
    this.#noteHealth();
    this.#commit.wake();
  }

  #onTick(): void {
    const nowMs = this.#clock.nowMs();
    if (++this.#tickCount % CLOCK_ADJUST_TICKS === 0) this.#clock.adjust();
    if (this.#tickCount % JOURNAL_RETRY_TICKS === 0) this.#commit.retry();
    if (this.#tickCount % STUCK_WATCH_TICKS === 0) this.#stuckWatch.look(nowMs);
    for (const client of this.#clients) client.expire(nowMs - this.#requestTimeoutMs);
    if (!this.#commit.isFailing) this.#dropOld(nowMs);
    this.#noteHealth();
    if (this.#hasWork || this.#engine.batch.count > 0) this.#commit.wake();
  }

  /** Something may be there to be sent. */
  get #hasWork(): boolean {
    return this.#engine.ledger.countIn(State.PENDING) > 0 || this.#engine.hasDoubts;
  }

  #dropOld(nowMs: number): void {
    this.#engine.evictOld(nowMs);
    this.#engine.giveUpOld(nowMs, (slot) => {
      this.#meters.gaveUpCount++;
      this.#tracing?.payments.gaveUp(slot);
      if (this.#log.isInfo) this.#log.logger.info(this.#fieldsOf(slot), "payment failed: gave up");
    });
  }

  /** Hot: no line is put together that nobody wants. */
  #noteOutcome(slot: number, processor: number, outcome: number, ms: number): void {
    const state = this.#engine.ledger.rows.state[slot]!;
    if (state === State.PROCESSED) this.#meters.processed[processor]!++;
    else if (state === State.FAILED) this.#meters.failed[processor]!++;
    const isEnd = state === State.PROCESSED || state === State.FAILED;
    if (isEnd ? !this.#log.isInfo : !this.#log.isDebug) return;
    const line = {
      ...this.#fieldsOf(slot),
      processor: PROCESSOR_NAMES[processor],
      ms,
      outcome: Outcome.NAMES[outcome],
    };
    if (state === State.PROCESSED) this.#log.logger.info(line, "payment processed");
    else if (state === State.FAILED) this.#log.logger.info(line, "payment failed");
    else this.#log.logger.debug(line, "attempt ended");
  }

  #noteHealth(): void {
    for (let p = 0; p < this.#clients.length; p++) {
      const { isDown } = this.#engine.router.gates[p]!;
      if (isDown === this.#wasDown[p]) continue;
      this.#wasDown[p] = isDown;
      const { downReason } = this.#engine.router.gates[p]!;
      const reason = downReason === Outcome.NONE ? "polled failing" : Outcome.NAMES[downReason];
      const processor = PROCESSOR_NAMES[p];
      if (isDown) this.#log.logger.warn({ processor, reason }, "processor down");
      else this.#log.logger.warn({ processor }, "processor back");
    }
  }

  #fieldsOf(slot: number): object {
    const correlationId = formatUuid(this.#engine.ledger.rows.correlationIds, slot * UUID_WORDS);
    return { correlationId, ...this.#log.traceOf?.(slot) };
  }
}

/** A request that leaves once its SENDING record is safe. */
class Send implements Effect {
  readonly #engine: Engine;
  readonly #clock: SlewedClock;
  readonly #client: ProcessorClient;
  readonly #flight: number;

  constructor(engine: Engine, clock: SlewedClock, client: ProcessorClient, flight: number) {
    this.#engine = engine;
    this.#clock = clock;
    this.#client = client;
    this.#flight = flight;
  }

  commit(): void {
    const state = this.#engine.flights.state[this.#flight];
    if (state === FlightState.POSTING) this.#client.post(this.#flight);
    else if (state === FlightState.LOOKING_UP) this.#client.lookup(this.#flight);
    // Purged or settled while it waited for the disk: nothing leaves any more.
    else this.#engine.settle(this.#flight, Outcome.NONE, this.#clock.nowMs());
  }

  /** A first sending has been taken back with its record; a doubt is asked about again later. */
  abort(): void {
    if (this.#engine.flights.state[this.#flight] !== FlightState.FREE)
      this.#engine.unask(this.#flight, this.#clock.nowMs());
  }
}
