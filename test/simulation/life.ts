import type { Engine } from "../../core/engine.ts";
import { HealthSnapshot, pollStamp } from "../../core/routing/health-snapshot.ts";
import { Ways } from "../../core/routing/ways.ts";
import { formatUuid } from "../../core/values/uuid.ts";
import { acceptRead } from "../../server/api/accept-read.ts";
import type { HealthLinkHandlers } from "../../server/health/health-link.ts";
import type { Answer } from "../../server/http/answer.ts";
import { RecoveryError } from "../../server/journal/recovery-error.ts";
import { HaltedError, NotDoneError, UnknownError } from "../../server/lease/database.ts";
import { carriedBy } from "../../server/partition/carried-partitions.ts";
import type { Custody } from "../../server/partition/custody.ts";
import type { Partition } from "../../server/partition/partition.ts";
import type { Window } from "../../server/payments/summary.ts";
import { SlewedClock } from "../../server/turn/clock.ts";
import { termsOf } from "../support/terms.ts";
import type { BulletinStreams } from "./bulletin-streams.ts";
import type { LinkCalls } from "./link-calls.ts";
import type { Oracle } from "./oracle.ts";
import { PaceWatch } from "./pace-watch.ts";
import { Process } from "./process.ts";
import { DiskFault, type KillFault, ProcessDisk } from "./process-disk.ts";
import { expectThat, Violation } from "./violation.ts";
import { VirtualAsker } from "./virtual-asker.ts";
import type { VirtualDatabase } from "./virtual-database.ts";
import type { VirtualDisk } from "./virtual-disk.ts";
import { openVirtualInstance, type VirtualInstance } from "./virtual-instance.ts";
import type { Listener } from "./virtual-link.ts";
import { VirtualNeighbours } from "./virtual-neighbours.ts";
import type { VirtualNetwork } from "./virtual-network.ts";
import type { World } from "./world.ts";

/** The bound of the watermarks given out is rounded up to this. */
const BOUND_STEP_MS = 100;
/** A clock that was set back or ahead runs at most so fast. */
const FAST = 1.1;
const OBSERVE_MS = 100;
const GRACE_MS = 500;
/** See Instance.stop. */
const WAITING_LOOK_MS = 5;
const REFUSING_MS = 100;
const DOES_NOT_DIE = "an instance does not die by itself";
/** Another process has what this one is to start with, and nobody knows which: see Custody.start. */
const IN_USE = /must not be in use|an instance's number is one process's|a lease must be renewed at the start/;

export type LifeEnd = "killed" | "broken" | "no start" | "left";

export type LifeParts = {
  world: World;
  instance: number;
  disk: VirtualDisk;
  database: VirtualDatabase;
  network: VirtualNetwork;
  streams: BulletinStreams;
  calls: LinkCalls;
  oracle: Oracle;
  /** In a disk operation. */
  kill: KillFault;
  /** Whether the link's address is free for it. */
  listens: boolean;
  /** The other instances' monitors, as they are when they are asked. */
  peers: readonly (() => Listener)[];
  /**
   * The process ends: in a disk operation, because its journal is broken, because it could not start, or by SIGTERM.
   */
  onEnd: (why: LifeEnd) => void;
  /** It has started. */
  onStarted: () => void;
  /** The world takes note of everybody's time. */
  noteTimes: () => void;
  /** Who carries what may have changed. */
  onCarriers: () => void;
  /** What it carries has changed. */
  onCustody: () => void;
  /** Looks whether the engines keep within their bounds. */
  observe: (life: Life) => void;
};

/** One life of an instance, from a start to its end: the product's parts in virtual surroundings. */
export class Life {
  readonly process: Process;
  readonly ways: Ways;
  readonly neighbours: VirtualNeighbours;
  /** Payments that have been taken over count beyond the quota until they are settled. */
  openCountsMax: number[];
  readonly #parts: LifeParts;
  readonly #health: HealthSnapshot;
  readonly #pace: PaceWatch;
  readonly #clock: SlewedClock;
  readonly #starting = new AbortController();
  #instance: VirtualInstance | undefined;
  #isServing = false;
  #isLeaving = false;
  /** Calls whose promise somebody waits for. */
  #awaitedCount = 0;

  constructor(parts: LifeParts) {
    const { world, instance } = parts;
    const { processorCount, maxInFlight, flightQuota, instanceCount, partitionCount } = world.settings;
    this.#parts = parts;
    this.process = new Process(world, instance);
    this.#pace = new PaceWatch(this.process, partitionCount);
    this.#health = new HealthSnapshot(processorCount);
    this.ways = Ways.open(this.#health, termsOf(processorCount, maxInFlight), flightQuota);
    this.openCountsMax = this.ways.gates.map(() => flightQuota);
    this.#clock = new SlewedClock(this.process);
    const { streams, calls, onCustody } = parts;
    this.neighbours = new VirtualNeighbours({
      process: this.process,
      instanceCount,
      streams,
      calls,
      onTell: onCustody,
    });
  }

  get custody(): Custody | undefined {
    return this.#instance?.custody;
  }

  /** What the health monitors of the other instances reach. */
  get healthLink(): HealthLinkHandlers | undefined {
    return this.#instance?.consent;
  }

  /** Whether payments are taken. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /** Whether somebody awaits what the next event may settle. */
  get isAwaited(): boolean {
    return this.#awaitedCount > 0;
  }

  /** Those that it carries. */
  get carried(): readonly Partition[] {
    return this.custody?.carried() ?? [];
  }

  /** Whether it carries the partition and may say so: by its lease, if that is how partitions are kept. */
  isCarrying(partition: number): boolean {
    const { lease, custody } = this.#instance ?? {};
    if (this.process.isOver || custody?.at(partition) === undefined) return false;
    return lease === undefined || lease.membership.isValid;
  }

  /** At all processors. */
  get requestCount(): number {
    return this.ways.gates.reduce((sum, gate) => sum + gate.inFlightCount, 0);
  }

  /** In flight or in doubt, at all processors. */
  get openCount(): number {
    return this.ways.gates.reduce((sum, _, processor) => sum + this.ways.flights.openCount(processor), 0);
  }

  /** How old the last poll is that this instance knows of, in milliseconds, to the second. */
  polledMsAgo(processor: number): number {
    const nowS = Math.floor(this.process.wallMs() / 1000);
    return ((nowS - pollStamp(this.#health.read(processor))) & 0xffff) * 1000;
  }

  /** What the instance's clock says; the world takes note. */
  noteTime(): void {
    const { world } = this.#parts;
    world.timeMaxMs = Math.max(world.timeMaxMs, this.#clock.nowMs());
  }

  start(): void {
    this.#parts.world.hasSettled = true;
    this.process.deliver(() => void this.#open().catch((error: unknown) => this.#couldNotStart(error)));
  }

  /** SIGTERM */
  leave(): void {
    this.process.deliver(() => {
      if (this.#isLeaving) return;
      this.#isLeaving = true;
      this.#parts.world.hasSettled = true;
      if (!this.#isServing) this.#starting.abort();
      else
        void this.#leave().then(
          () => this.#parts.onEnd("left"),
          (error: unknown) => this.#died(error),
        );
    });
  }

  /** POST /payments */
  post(bytes: Uint8Array, answer: (answer: Answer) => void): void {
    this.process.deliver(() => {
      const instance = this.#instance!;
      const problem = instance.body.parse(bytes);
      expectThat(problem === undefined, "a payment is read", () => String(bytes));
      this.#pace.accepted();
      const accepted = acceptRead(instance, new VirtualAsker(this.process, answer), bytes);
      accepted?.catch((error: unknown) => this.#died(error));
      this.#parts.world.hasSettled = true;
    });
  }

  /** GET /payments-summary; never calls back when it ends before it could answer. */
  summary(window: Window, onAnswer: (answer: Answer) => void): void {
    this.#await(() => this.#instance!.whole.summary(window), onAnswer);
  }

  /** GET /payments/{id} */
  look(words: Int32Array, onAnswer: (answer: Answer | "unknown") => void): void {
    this.#await(() => this.#instance!.whole.find(words, formatUuid(words)), onAnswer);
  }

  /** POST /purge-payments */
  purge(onPurged: (isPurged: boolean) => void): void {
    this.#await(() => this.#instance!.whole.purge(), onPurged);
  }

  #await<T>(ask: () => Promise<T>, onAnswer: (answer: T) => void): void {
    this.process.deliver(() => {
      this.#parts.world.hasSettled = true;
      this.#awaitedCount++;
      const answered = (answer: T): void => {
        this.#awaitedCount--;
        if (!this.process.isOver) this.#check(() => onAnswer(answer));
      };
      void ask().then(answered, (error: unknown) => this.#died(error));
    });
  }

  async #open(): Promise<void> {
    const { calls, streams, listens, peers, network, oracle, world, database, onCarriers } = this.#parts;
    const { process, neighbours, ways } = this;
    const opened = await openVirtualInstance({
      process,
      disk: this.#disk,
      database,
      signal: this.#starting.signal,
      network,
      neighbours,
      calls,
      oracle,
      health: this.#health,
      ways,
      clock: this.#clock,
      pace: this.#pace,
      peers,
      polls: world.settings.polls && listens,
      onRenewed: () => onCarriers(),
      onOpening: () => this.#parts.noteTimes(),
      onOpened: (partition, wasRead, tookMs) => this.#opened(partition, wasRead, tookMs),
      onRefused: (error) => {
        if (!process.isOver && !isOfStore(error)) this.#couldNotOpen(error);
      },
      onBroken: () => this.#broke(),
    });
    this.#instance = opened;
    const { body, custody, partitions } = opened;
    if (listens) calls.listen({ process, custody, carried: carriedBy(custody, partitions), body });
    streams.open(neighbours, listens);
    await custody.start(this.#starting.signal);
    if (process.isOver) return;
    if (this.#starting.signal.aborted) return this.#giveUpStart();
    this.#isServing = true;
    process.later(OBSERVE_MS, () => this.#observe());
    this.#parts.onStarted();
  }

  get #disk(): ProcessDisk {
    const { disk, kill } = this.#parts;
    const onKilled = () => this.#parts.onEnd("killed");
    return new ProcessDisk(disk, this.process, kill, onKilled, (directory) => this.#expectLeft(directory));
  }

  /** As Instance.stop does. */
  async #leave(): Promise<void> {
    const { process } = this;
    await this.custody!.leave(GRACE_MS);
    while (this.#instance!.reach.waitingCount > 0) await process.pause(WAITING_LOOK_MS);
    await process.pause(REFUSING_MS);
    await this.#instance!.lease?.store.close();
    const { openCount, requestCount } = this;
    const name = () => `open=${openCount} requests=${requestCount} instance=${process.instance}`;
    if (this.carried.length === 0) expectThat(openCount + requestCount === 0, "what has left takes no place", name);
  }

  /** A partition has been replayed, and is about to be carried. */
  #opened(partition: Partition, wasRead: boolean, tookMs: number): void {
    const { world, oracle, instance } = this.#parts;
    // One that was stopped meanwhile, and has lost its lease, is fenced and tells nobody anything.
    if (this.process.isOver || this.#instance!.lease?.membership.isValid === false) return;
    const { number, epoch, books } = partition;
    world.note(() => `instance ${instance} opens partition ${number}, epoch ${epoch}${wasRead ? ", read along" : ""}`);
    this.openCountsMax = this.ways.gates.map(() => Number.POSITIVE_INFINITY);
    this.#check(() => {
      this.#expectTimeGoesOn(books.engine, tookMs);
      oracle.opened(number, epoch, books.engine);
    });
  }

  #broke(): void {
    const { disk, world } = this.#parts;
    if (this.process.isOver) return;
    this.#parts.onEnd("broken");
    const mayBreak = world.settings.mode === "lease" || disk.failedCount > 0;
    this.#check(() => expectThat(mayBreak, "a journal breaks only with its disk", () => "failedCount=0"));
  }

  #expectLeft(directory: string): void {
    const { world } = this.#parts;
    const isCarried = this.carried.some(({ number }) => directory === `/data/partition-${number + 1}`);
    if (isCarried) world.violation ??= new Violation("whoever has no lock does not answer", `directory=${directory}`);
  }

  /** What is thrown in what somebody awaits. */
  #died(error: unknown): void {
    if (error instanceof Violation) this.#parts.world.violation ??= error;
    if (this.process.isOver) return;
    if (isOfStore(error)) this.#parts.onEnd("broken");
    else this.#parts.world.violation ??= new Violation(DOES_NOT_DIE, String(error), { cause: error });
  }

  #couldNotStart(error: unknown): void {
    if (error instanceof Violation) this.#parts.world.violation ??= error;
    if (this.process.isOver) return;
    if (this.#starting.signal.aborted) void this.#giveUpStart();
    else if (isOfStore(error) || IN_USE.test(String(error))) this.#parts.onEnd("no start");
    else this.#couldNotOpen(error);
  }

  async #giveUpStart(): Promise<void> {
    try {
      await this.custody?.close();
      await this.#instance?.lease?.store.close();
    } finally {
      if (!this.process.isOver) this.#parts.onEnd("left");
    }
  }

  #couldNotOpen(error: unknown): void {
    if (!(error instanceof RecoveryError)) this.#died(error);
    else this.#parts.world.violation ??= new Violation("a restart finds its journal in order", String(error));
  }

  #observe(): void {
    this.noteTime();
    this.#parts.observe(this);
    this.process.later(OBSERVE_MS, () => this.#observe());
  }

  /** For what is found where nobody who is told would pass it on. */
  #check(expect: () => void): void {
    try {
      expect();
    } catch (error) {
      this.#parts.world.violation ??= error as Violation;
    }
  }

  /**
   * The ledger takes a payment that is requested before it was accepted for one of a time that was set back by hand.
   */
  #expectTimeGoesOn({ ledger }: Engine, tookMs: number): void {
    const { world } = this.#parts;
    const nowMs = this.#clock.nowMs();
    const timeMaxMs = Math.max(world.timeMaxMs + tookMs * FAST, world.wallMaxMs) + BOUND_STEP_MS;
    expectThat(nowMs <= timeMaxMs, "time does not leap", () => `nowMs=${nowMs} timeMaxMs=${timeMaxMs}`);
    if (ledger.size === 0) return;
    const acceptedAtMs = ledger.rows.acceptedAtMs[ledger.slotOf(ledger.head - 1)]!;
    expectThat(nowMs >= acceptedAtMs, "time does not go back", () => `nowMs=${nowMs} acceptedAtMs=${acceptedAtMs}`);
  }
}

/** A disk that fails, or a database that cannot be reached: no fault of the product. */
function isOfStore(error: unknown): boolean {
  if (error instanceof HaltedError) return false;
  return error instanceof DiskFault || error instanceof NotDoneError || error instanceof UnknownError;
}
