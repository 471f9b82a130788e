import type { Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import { NO_FLIGHT } from "../../core/routing/flights.ts";
import type { Flight, OutcomeCode } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import type { Meters } from "../meters/meters.ts";
import type { ProcessorConfig } from "../settings/processors.ts";
import type { Network } from "../system/network.ts";
import type { Time, Timer } from "../system/time.ts";
import type { PartitionTracing } from "../telemetry/tracing.ts";
import type { SlewedClock } from "../turn/clock.ts";
import type { Effect } from "../turn/effect.ts";
import type { GroupCommit, TurnSource } from "../turn/group-commit.ts";
import type { AttemptLog } from "./attempt-log.ts";
import { ProcessorClient } from "./processor-client.ts";
import type { SendPacer } from "./send-pacer.ts";

/** Requests begun per turn of the event loop: what has arrived meanwhile is accepted before more go out. */
const SENDS_PER_TURN = 8;
const CREDIT_WAIT_MS = 1;
const DRAIN_LOOK_MS = 5;

export type DispatcherParts = {
  engine: Engine;
  clock: SlewedClock;
  commit: GroupCommit;
  pacer: SendPacer;
  attemptLog: AttemptLog;
  time: Time;
  network: Network;
  processors: readonly ProcessorConfig[];
  requestTimeoutMs: number;
  meters: Meters;
  tracing?: PartitionTracing | undefined;
};

/** Carries out what the engine decides: sends, and reports back what came of it. */
export class Dispatcher implements TurnSource {
  readonly #parts: DispatcherParts;
  readonly #clients: readonly ProcessorClient[];
  #creditTimer: Timer | undefined;
  #isClosed = false;

  /** Sends from the next turn on. */
  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    const { engine, processors, meters } = parts;
    const settle = (flight: Flight, outcome: OutcomeCode) => this.#settle(flight, outcome);
    this.#clients = processors.map(
      (own, processor) => new ProcessorClient(own, engine, meters.attempts[processor]!, settle, parts),
    );
    parts.commit.gatherFrom(this);
  }

  /** Requests that are out. */
  get requestCount(): number {
    return this.#clients.reduce((sum, client) => sum + client.requestCount, 0);
  }

  /** Something may be there to be sent. */
  get hasWork(): boolean {
    const { engine } = this.#parts;
    return engine.ledger.countIn(State.PENDING) > 0 || engine.hasDoubts;
  }

  /** Chooses what is sent once this turn's records are written. */
  gather(): void {
    if (this.#isClosed) return;
    const { engine, clock, commit, pacer } = this.#parts;
    const nowMs = clock.nowMs();
    pacer.refill(nowMs, engine.ledger.head, engine.ledger.countIn(State.PENDING));
    for (let chosen = 0; chosen < SENDS_PER_TURN; chosen++) {
      if (!pacer.hasCredit) {
        this.#awaitCredit();
        return;
      }
      const flight = engine.dispatch(nowMs);
      if (flight === NO_FLIGHT) return;
      pacer.sent();
      this.#countRoute(flight);
      commit.add(new Send(engine, clock, this.#clients[engine.flights.processor[flight]!]!, flight));
      // A batch half full is written at once: where that failed, what is chosen now would be taken back by nobody.
      if (commit.isFailing) return;
    }
    commit.wake();
  }

  /** To be called every few ten milliseconds: ends the requests that have been out for too long. */
  expire(): void {
    const { time, requestTimeoutMs } = this.#parts;
    for (const client of this.#clients) client.expire(time.monotonicMs() - requestTimeoutMs);
  }

  /** Sends nothing more, and waits for the answers to what is out, at most `graceMs`. */
  async pause(graceMs: number): Promise<void> {
    const { time } = this.#parts;
    this.#creditTimer?.cancel();
    this.#isClosed = true;
    const untilMs = time.monotonicMs() + graceMs;
    while (this.requestCount > 0 && time.monotonicMs() < untilMs) {
      await time.pause(DRAIN_LOOK_MS);
      this.expire();
    }
  }

  /**
   * Stops sending, and lets go of what is out: what comes of it is another carrier's to find out. The gates hear of it
   * as their connections close.
   */
  abandon(): void {
    this.#creditTimer?.cancel();
    this.#isClosed = true;
    this.#parts.engine.letGo();
    for (const client of this.#clients) client.close();
  }

  /** Stops sending, waits for the answers to what was sent, at most `graceMs`, and closes every connection. */
  async close(graceMs: number): Promise<void> {
    await this.pause(graceMs);
    for (const client of this.#clients) client.close();
  }

  /** Doubts go where they are bound. */
  #countRoute(flight: Flight): void {
    const { flights, ledger } = this.#parts.engine;
    const slot = flights.slot[flight]!;
    if (ledger.rows.state[slot] !== State.SENDING) return;
    this.#parts.meters.routed[flights.processor[flight]!]![ledger.rows.reason[slot]!]!++;
  }

  /** The backlog goes on as soon as it may, whether or not anything else happens. */
  #awaitCredit(): void {
    if (!this.hasWork) return;
    this.#creditTimer ??= this.#parts.time.after(CREDIT_WAIT_MS, () => {
      this.#creditTimer = undefined;
      this.#parts.commit.wake();
    });
  }

  #settle(flight: Flight, outcome: OutcomeCode): void {
    const { engine, clock, commit, attemptLog } = this.#parts;
    const processor = engine.flights.processor[flight]!;
    const nowMs = clock.nowMs();
    const elapsedMs = nowMs - engine.flights.beganAtMs[flight]!;
    const slot = engine.settle(flight, outcome, nowMs);
    if (slot !== NOT_FOUND_SLOT) attemptLog.settled(slot, processor, outcome, elapsedMs);
    attemptLog.noteHealth();
    commit.wake();
  }
}

/** A request that leaves once its SENDING record is safe. */
export class Send implements Effect {
  readonly #engine: Engine;
  readonly #clock: SlewedClock;
  readonly #client: ProcessorClient;
  readonly #flight: Flight;

  constructor(engine: Engine, clock: SlewedClock, client: ProcessorClient, flight: Flight) {
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
