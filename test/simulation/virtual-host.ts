import type { Logger } from "pino";
import { ACCEPTED_NEW, type AcceptResult, CONFLICT, DUPLICATE, Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import { NO_FLIGHT } from "../../core/routing/flights.ts";
import { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import { openWays } from "../../core/routing/ways.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { PROCESSOR_COUNT } from "../../core/values/processor.ts";
import * as State from "../../core/values/state.ts";
import { UUID_WORDS } from "../../core/values/uuid.ts";
import { JournalMeters } from "../../server/meters/meters.ts";
import { type SummaryPart, summaryPart, type Window } from "../../server/payments/summary.ts";
import type { Time } from "../../server/system/time.ts";
import { SlewedClock } from "../../server/turn/clock.ts";
import type { Effect } from "../../server/turn/effect.ts";
import { GroupCommit } from "../../server/turn/group-commit.ts";
import { type Known, PAYMENT_MASK } from "./oracle.ts";
import { Violation } from "./violation.ts";
import { VirtualCheckpointer } from "./virtual-checkpointer.ts";
import { DiskFull, Killed, VirtualDisk } from "./virtual-disk.ts";
import { VirtualJournal } from "./virtual-journal.ts";
import { VirtualRequest } from "./virtual-network.ts";
import { VirtualPoller } from "./virtual-poller.ts";
import type { HealthAnswer } from "./virtual-processor.ts";
import { VirtualRecovery } from "./virtual-recovery.ts";
import { expectedOf, type World } from "./world.ts";

/** As server/sending/dispatcher.ts. */
const SENDS_PER_TURN = 4;
const TICK_MS = 20;
const CLOCK_ADJUST_TICKS = 50;
const JOURNAL_RETRY_TICKS = 10;
/** A start that fails is tried again by whoever watches over the process. */
const START_AGAIN_MS = 200;
const SYNC_MS_MAX = 6;
const DISK_STEP_MS_MAX = 3;
/** The bound of the watermarks given out is rounded up to this. */
const BOUND_STEP_MS = 100;

const SILENT = { error: () => {}, warn: () => {} } as unknown as Logger;

/** A machine that one instance runs on: its disk stays when the instance's life ends. */
export class VirtualHost {
  readonly instance: number;
  readonly disk = new VirtualDisk();
  life: Life | undefined;
  startCount = 0;
  readonly #world: World;

  constructor(world: World, instance: number) {
    this.#world = world;
    this.instance = instance;
  }

  /** Of the life that goes on. */
  get engine(): Engine {
    return this.life!.engine;
  }

  start(): void {
    if (this.life) return;
    this.#world.note(() => `instance ${this.instance} starts`);
    this.startCount++;
    const life = new Life(this.#world, this);
    this.life = life;
    life.run(() => life.start());
    if (this.life === life) this.#world.oracle.started(this.instance);
  }

  kill(downMs: number): void {
    if (!this.life) return;
    this.#world.note(() => `instance ${this.instance} is killed`);
    this.life.isOver = true;
    this.life = undefined;
    this.#world.clock.after(downMs, () => this.start());
  }

  losePower(downMs: number): void {
    this.kill(downMs);
    this.#world.note(() => `instance ${this.instance} loses power`);
    this.disk.losePower(this.#world.random);
    this.#world.oracle.lostPower();
  }
}

/** One life of an instance, from a start to a kill, driven as server/instance.ts, dispatcher.ts and payment-service.ts do it. */
export class Life {
  readonly instance: number;
  readonly engine: Engine;
  pollers: readonly VirtualPoller[] = [];
  checkpointer: VirtualCheckpointer | undefined;
  isOver = false;
  #hasStarted = false;
  readonly #world: World;
  readonly #host: VirtualHost;
  readonly #health = new HealthSnapshot(PROCESSOR_COUNT);
  readonly #requests = new Map<number, VirtualRequest>();
  #commit!: GroupCommit;
  #clock!: SlewedClock;
  #tickCount = 0;

  constructor(world: World, host: VirtualHost) {
    this.#world = world;
    this.#host = host;
    this.instance = host.instance;
    this.engine = new Engine(openWays(this.#health, world.settings.maxInFlight), {
      ...world.settings,
      instance: host.instance,
      seed: world.random.bits() | 0,
    });
  }

  get nowMs(): number {
    const nowMs = this.#clock.nowMs();
    if (nowMs > this.#world.timeMaxMs) this.#world.timeMaxMs = nowMs;
    return nowMs;
  }

  get requestCount(): number {
    return this.#requests.size;
  }

  get isWriting(): boolean {
    return this.engine.batch.count > 0 || this.#commit.isFailing;
  }

  /** Everything this process does goes through here: a kill ends it, anything else that is thrown is a finding. */
  run(body: () => void): void {
    if (this.isOver) return;
    const interrupted = this.#world.running;
    this.#world.running = this;
    try {
      body();
    } catch (error) {
      if (error instanceof Violation) throw error;
      if (error instanceof Killed) this.#host.kill(this.#world.downMsOfKill[this.instance]!);
      else if (error instanceof DiskFull && !this.#hasStarted) this.#host.kill(START_AGAIN_MS);
      else throw new Violation("an instance does not die by itself", String(error), { cause: error });
    } finally {
      this.#world.running = interrupted;
    }
  }

  after(delayMs: number, body: () => void): void {
    this.#world.clock.after(delayMs, () => this.run(body));
  }

  /** What `setImmediate` is to this process. */
  atEndOfTurn(body: () => void): void {
    const { random, settings } = this.#world;
    this.after(settings.turnMsMax === 0 ? 0 : random.below(settings.turnMsMax + 1), body);
  }

  /** What the product's clock asks of its surroundings. */
  get #time(): Time {
    return {
      wallMs: () => this.#world.wallMs,
      monotonicMs: () => this.#world.clock.nowMs,
      after: () => {
        throw new Error("a clock sets no timers");
      },
      atEndOfTurn: (body) => this.atEndOfTurn(body),
      pause: () => {
        throw new Error("a clock does not pause");
      },
    };
  }

  start(): void {
    const { settings, random } = this.#world;
    const expected = expectedOf(this.instance);
    const wallMs = () => this.#world.wallMs;
    const recovery = new VirtualRecovery(this.#host.disk);
    const recovered = recovery.recover(this.engine.ledger, expected);
    recovery.tidy(recovered);
    if (settings.syncs) recovery.syncReplayed();
    const { finished, latestMs } = recovered;
    const journal = new VirtualJournal(this.#host.disk, recovered, {
      ...expected,
      segmentBytes: settings.segmentBytes,
      syncsSegments: settings.syncs,
      nowMs: wallMs,
      afterSync: (run) => this.after(random.below(SYNC_MS_MAX), run),
    });
    const timeMaxMs = Math.max(this.#world.timeMaxMs, this.#world.wallMs) + BOUND_STEP_MS;
    if (latestMs > timeMaxMs) throw new Violation("time does not leap", `latestMs=${latestMs} timeMaxMs=${timeMaxMs}`);
    this.#clock = new SlewedClock(this.#time, latestMs);
    this.#expectTimeGoesOn();
    this.#commit = new GroupCommit({
      engine: this.engine,
      log: journal,
      syncs: settings.syncs,
      time: this.#time,
      logger: SILENT,
      meters: new JournalMeters(),
      onWritten: () => checkpointer.maintain(),
    });
    const checkpointer = new VirtualCheckpointer(
      this.#host.disk,
      journal,
      this.engine.ledger,
      () => this.#commit.commit(),
      finished,
      {
        segmentBytes: settings.segmentBytes,
        sliceRows: settings.sliceRows,
        stepMs: () => random.below(DISK_STEP_MS_MAX + 1),
        after: (delayMs, run) => this.after(delayMs, run),
      },
    );
    this.checkpointer = checkpointer;
    checkpointer.startIfDue();
    this.engine.resume(this.nowMs, latestMs);
    this.#commit.gatherFrom({ gather: () => this.#gather() });
    this.#commit.wake();
    if (settings.polls) this.pollers = [0, 1].map((processor) => new VirtualPoller(this.#world, this, processor));
    this.after(TICK_MS, () => this.#tick());
    this.#hasStarted = true;
  }

  /** The ledger takes a payment that is requested before it was accepted for one of a time that was set back by hand. */
  #expectTimeGoesOn(): void {
    const { ledger } = this.engine;
    if (ledger.size === 0) return;
    const acceptedAtMs = ledger.rows.acceptedAtMs[ledger.slotOf(ledger.head - 1)]!;
    if (this.nowMs < acceptedAtMs)
      throw new Violation("time does not go back", `nowMs=${this.nowMs} acceptedAtMs=${acceptedAtMs}`);
  }

  /** POST /payments */
  accept(known: Known, cents: number, answer: (status: number) => void): void {
    this.run(() => {
      const isKnown = this.engine.lookup(known.words) !== NOT_FOUND_SLOT;
      if (this.#commit.isFailing && !isKnown) return answer(503);
      const ack = new Ack(answer);
      ack.result = this.#acceptThen(ack, known.words, cents);
    });
  }

  summaryPart(window: Window): SummaryPart | undefined {
    let part: SummaryPart | undefined;
    this.run(() => {
      this.#commit.commit();
      part = summaryPart(this.engine, window, this.nowMs, !this.#commit.isFailing);
      if (!this.#commit.commit()) part.settledUntilMs = Math.min(part.settledUntilMs, this.engine.watermarkBoundMs);
    });
    return part;
  }

  purge(): boolean {
    let isPurged = false;
    this.run(() => {
      if (!this.#commit.commit()) return;
      this.engine.purge(this.nowMs);
      isPurged = this.#commit.commit();
    });
    return isPurged;
  }

  heardOfHealth(processor: number, answer: HealthAnswer): void {
    this.#health.polled(processor, answer.failing, answer.minResponseMs, this.#world.wallMs);
  }

  /** Makes the request of a flight. */
  send(flight: number): void {
    const { flights, ledger } = this.engine;
    const slot = flights.slot[flight]!;
    const processor = flights.processor[flight]!;
    const how = flights.state[flight] === FlightState.POSTING ? FlightState.POSTING : FlightState.LOOKING_UP;
    const request = new VirtualRequest((outcome) => this.run(() => this.#settle(flight, outcome)));
    this.#requests.set(flight, request);
    const charge = {
      payment: ledger.rows.correlationIds[slot * UUID_WORDS + 3]! & PAYMENT_MASK,
      cents: ledger.rows.cents[slot]!,
      requestedAtMs: ledger.rows.requestedAtMs(slot),
      isForeign: false,
    };
    this.#world.send(this, { how, processor, charge }, request);
  }

  #acceptThen(effect: Effect, words: Int32Array, cents: number): AcceptResult {
    const result = this.engine.accept(words, 0, cents, this.nowMs);
    this.#commit.add(effect);
    return result;
  }

  #gather(): void {
    const { nowMs } = this;
    for (let chosen = 0; chosen < SENDS_PER_TURN; chosen++) {
      const flight = this.engine.dispatch(nowMs);
      if (flight === NO_FLIGHT) return;
      this.#commit.add(new Send(this, flight));
    }
    this.#commit.wake();
  }

  #settle(flight: number, outcome: number): void {
    this.#requests.delete(flight);
    this.#world.note(() => this.#describeSettled(flight, outcome));
    this.engine.settle(flight, outcome, this.nowMs);
    this.#commit.wake();
  }

  #tick(): void {
    const { nowMs } = this;
    if (++this.#tickCount % CLOCK_ADJUST_TICKS === 0) this.#clock.adjust();
    if (this.#tickCount % JOURNAL_RETRY_TICKS === 0) this.#commit.retry();
    const beganBeforeMs = nowMs - this.#world.settings.requestTimeoutMs;
    for (const [flight, request] of this.#requests) {
      if (this.engine.flights.beganAtMs[flight]! < beganBeforeMs) request.timeOut();
    }
    if (!this.#commit.isFailing) {
      this.engine.evictOld(nowMs);
      this.engine.giveUpOld(nowMs, () => {});
    }
    const { batch, hasDoubts, ledger } = this.engine;
    if (ledger.countIn(State.PENDING) > 0 || hasDoubts || batch.count > 0) this.#commit.wake();
    this.#world.observe(this);
    this.after(TICK_MS, () => this.#tick());
  }

  #describeSettled(flight: number, outcome: number): string {
    const { flights, ledger } = this.engine;
    const payment = ledger.rows.correlationIds[flights.slot[flight]! * UUID_WORDS + 3]! & PAYMENT_MASK;
    return `instance ${this.instance} hears of payment ${payment}: ${Outcome.NAMES[outcome]}`;
  }
}

/** As server/api/payment-ack.ts: the answer to a payment, given once its record is safe. */
export class Ack implements Effect {
  result: AcceptResult = ACCEPTED_NEW;
  readonly #answer: (status: number) => void;

  constructor(answer: (status: number) => void) {
    this.#answer = answer;
  }

  commit(): void {
    if (this.result === ACCEPTED_NEW) this.#answer(202);
    else if (this.result === DUPLICATE) this.#answer(200);
    else this.#answer(this.result === CONFLICT ? 409 : 503);
  }

  abort(): void {
    this.#answer(503);
  }
}

/** As server/sending/dispatcher.ts: a request that leaves once its record is safe. */
export class Send implements Effect {
  readonly #life: Life;
  readonly #flight: number;

  constructor(life: Life, flight: number) {
    this.#life = life;
    this.#flight = flight;
  }

  commit(): void {
    this.#life.send(this.#flight);
  }

  abort(): void {
    if (this.#life.engine.flights.state[this.#flight] !== FlightState.FREE) this.commit();
  }
}
