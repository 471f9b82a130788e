import { Engine } from "../../core/engine.ts";
import { HealthSnapshot, pollStamp } from "../../core/routing/health-snapshot.ts";
import { Ways } from "../../core/routing/ways.ts";
import { ACCEPTED_NEW, type AcceptResult, CONFLICT, DUPLICATE } from "../../core/values/accept-result.ts";
import { PROCESSORS_MAX } from "../../core/values/processor.ts";
import { formatUuid } from "../../core/values/uuid.ts";
import { type Books, beginSending, keepBooks } from "../../server/books.ts";
import { HealthEndpoint } from "../../server/health/health-endpoint.ts";
import { Polling } from "../../server/health/polling.ts";
import { JournalStore } from "../../server/journal/journal-store.ts";
import { RecoveryError } from "../../server/journal/recovery-error.ts";
import { Meters } from "../../server/meters/meters.ts";
import type { SummaryPart, Window } from "../../server/payments/summary.ts";
import type { Effect } from "../../server/turn/effect.ts";
import { logOf } from "../support/memory-log.ts";
import { termsOf } from "../support/terms.ts";
import { PaceWatch } from "./pace-watch.ts";
import { Process } from "./process.ts";
import { DiskFault, ProcessDisk } from "./process-disk.ts";
import { expectThat, Violation } from "./violation.ts";
import type { VirtualDisk } from "./virtual-disk.ts";
import { type Listener, VirtualLink } from "./virtual-link.ts";
import { PROCESSORS, type VirtualNetwork } from "./virtual-network.ts";
import type { World } from "./world.ts";

/** Small, so that files span several chunks. */
const CHUNK_RECORDS = 61;
/** The bound of the watermarks given out is rounded up to this. */
const BOUND_STEP_MS = 100;
const OBSERVE_MS = 100;

/** What is counted and logged is nobody's business here. */
const METERS = new Meters(PROCESSORS_MAX);
const { log: LOG } = logOf("silent");

export type LifeParts = {
  world: World;
  instance: number;
  disk: VirtualDisk;
  network: VirtualNetwork;
  /** The other instances' monitors, as they are when they are asked. */
  peers: readonly (() => Listener)[];
  /**
   * The process ends: in a disk operation, because its journal is broken, or because its disk kept it from starting.
   */
  onEnd: (why: "killed" | "broken" | "no start") => void;
  /** It has started. */
  onStarted: () => void;
  /** Looks whether the engine keeps within its bounds. */
  observe: (engine: Engine) => void;
};

/** One life of an instance, from a start to its end: the product's parts in virtual surroundings. */
export class Life {
  readonly process: Process;
  readonly engine: Engine;
  polling: Polling | undefined;
  readonly #parts: LifeParts;
  readonly #health: HealthSnapshot;
  readonly #pace: PaceWatch;
  #books: Books | undefined;
  /** Calls whose promise somebody waits for. */
  #awaitedCount = 0;

  constructor(parts: LifeParts) {
    const { world, instance } = parts;
    this.#parts = parts;
    this.process = new Process(world, instance);
    this.#pace = new PaceWatch(this.process);
    const { processorCount, maxInFlight, flightQuota } = world.settings;
    this.#health = new HealthSnapshot(processorCount);
    const ways = Ways.open(this.#health, termsOf(processorCount, maxInFlight), flightQuota);
    this.engine = new Engine(ways, { ...world.settings, instance, seed: world.random.bits() | 0 });
  }

  /** Whether payments are taken. */
  get isServing(): boolean {
    return this.#books !== undefined;
  }

  /** Whether somebody awaits what the next event may settle. */
  get isAwaited(): boolean {
    return this.#awaitedCount > 0;
  }

  get isWriting(): boolean {
    return this.engine.batch.count > 0 || (this.#books?.commit.isFailing ?? true);
  }

  get requestCount(): number {
    return this.engine.gates.reduce((sum, gate) => sum + gate.inFlightCount, 0);
  }

  /** How old the last poll is that this instance knows of, in milliseconds, to the second. */
  polledMsAgo(processor: number): number {
    const nowS = Math.floor(this.process.wallMs() / 1000);
    return ((nowS - pollStamp(this.#health.read(processor))) & 0xffff) * 1000;
  }

  /** What the instance's clock says; the world takes note. */
  noteTime(): void {
    if (!this.#books) return;
    const { world } = this.#parts;
    world.timeMaxMs = Math.max(world.timeMaxMs, this.#books.clock.nowMs());
  }

  start(): void {
    this.#parts.world.hasSettled = true;
    this.process.deliver(() => void this.#open().catch((error: unknown) => this.#couldNotStart(error)));
  }

  /** POST /payments */
  accept(words: Int32Array, cents: number, answer: (status: number) => void): void {
    this.process.deliver(() => {
      const { service } = this.#books!;
      const text = `{"correlationId":"${formatUuid(words)}","amount":${cents / 100}}`;
      const problem = service.body.parse(Buffer.from(text));
      expectThat(problem === undefined, "a payment is read", () => text);
      if (service.refusal !== undefined && !service.knows(service.body.id)) return answer(503);
      const result = service.accept();
      if (result === ACCEPTED_NEW) this.#pace.accepted();
      service.whenSafe(new Ack(this.process, result, answer));
    });
  }

  /** GET /payments-summary, this instance's part; never calls back when it ends before it could answer. */
  summaryPart(window: Window, onPart: (part: SummaryPart | undefined) => void): void {
    this.#await(() => this.#books!.service.summaryPart(window), onPart);
  }

  /** POST /purge-payments */
  purge(onPurged: (isPurged: boolean) => void): void {
    this.#await(() => this.#books!.service.purge(), onPurged);
  }

  #await<T>(ask: () => Promise<T>, onAnswer: (answer: T) => void): void {
    this.process.deliver(() => {
      this.#awaitedCount++;
      const answered = (answer: T): void => {
        this.#awaitedCount--;
        if (!this.process.isOver) this.#check(() => onAnswer(answer));
      };
      void ask().then(answered, (error: unknown) => this.#died(error));
    });
  }

  async #open(): Promise<void> {
    const { world, instance, network, peers } = this.#parts;
    const { settings } = world;
    const onBroken = () => this.#broke();
    const store = await JournalStore.open(this.#surroundings, {
      dataDir: "/data",
      partitionCount: settings.instanceCount,
      instanceCount: settings.instanceCount,
      capacity: settings.capacity,
      processors: this.engine.processorNames,
      segmentBytes: settings.segmentBytes,
      sliceRows: settings.sliceRows,
      chunkRecords: CHUNK_RECORDS,
      syncs: settings.syncs,
    });
    const claim = await store.claim(instance);
    if (!claim) return this.#parts.onEnd("no start");
    const storage = await claim.open(this.engine.ledger, { onBroken });
    if (this.process.isOver) return;
    this.#expectNoLeap(storage.latestMs);
    const { engine, process: time } = this;
    const books = keepBooks({ engine, storage, onBroken, syncs: settings.syncs, time, log: LOG, meters: METERS });
    this.#expectTimeGoesOn(books);
    engine.resume(books.clock.nowMs(), storage.latestMs);
    this.#books = books;
    const { requestTimeoutMs, processorCount } = settings;
    const processors = PROCESSORS.slice(0, processorCount);
    const way = network.of(this.process, () => this.#pace.sent());
    beginSending(books, { network: way, processors, requestTimeoutMs });
    if (settings.polls) {
      const time = this.process.awaited;
      this.polling = new Polling({
        self: instance,
        endpoints: processors.map(
          (processor) => new HealthEndpoint(processor, { network: network.of(this.process, () => {}), time }),
        ),
        peers: peers.map((listener) => new VirtualLink(this.process, listener)),
        health: this.#health,
        time,
      });
    }
    this.process.later(OBSERVE_MS, () => this.#observe());
    this.#parts.onStarted();
  }

  get #surroundings() {
    const disk = new ProcessDisk(this.#parts.disk, this.process, () => this.#parts.onEnd("killed"));
    return { disk, time: this.process, logger: LOG.logger };
  }

  #broke(): void {
    const { disk } = this.#parts;
    if (this.process.isOver) return;
    this.#parts.onEnd("broken");
    this.#check(() => expectThat(disk.failedCount > 0, "a journal breaks only with its disk", () => "failedCount=0"));
  }

  /** What is thrown in what somebody awaits. */
  #died(error: unknown): void {
    if (this.process.isOver) return;
    this.#parts.world.violation ??= new Violation("an instance does not die by itself", String(error), {
      cause: error,
    });
  }

  #couldNotStart(error: unknown): void {
    if (error instanceof Violation) this.#parts.world.violation ??= error;
    if (this.process.isOver) return;
    if (error instanceof DiskFault) this.#parts.onEnd("no start");
    else if (!(error instanceof RecoveryError)) this.#died(error);
    else this.#parts.world.violation ??= new Violation("a restart finds its journal in order", String(error));
  }

  #observe(): void {
    this.noteTime();
    this.#parts.observe(this.engine);
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

  #expectNoLeap(latestMs: number): void {
    const { world } = this.#parts;
    const timeMaxMs = Math.max(world.timeMaxMs, world.wallMs) + BOUND_STEP_MS;
    expectThat(latestMs <= timeMaxMs, "time does not leap", () => `latestMs=${latestMs} timeMaxMs=${timeMaxMs}`);
  }

  /**
   * The ledger takes a payment that is requested before it was accepted for one of a time that was set back by hand.
   */
  #expectTimeGoesOn({ engine: { ledger }, clock }: Books): void {
    if (ledger.size === 0) return;
    const acceptedAtMs = ledger.rows.acceptedAtMs[ledger.slotOf(ledger.head - 1)]!;
    const nowMs = clock.nowMs();
    expectThat(nowMs >= acceptedAtMs, "time does not go back", () => `nowMs=${nowMs} acceptedAtMs=${acceptedAtMs}`);
  }
}

/** The answer to a payment, given once its record is safe. */
export class Ack implements Effect {
  readonly #process: Process;
  readonly #result: AcceptResult;
  readonly #answer: (status: number) => void;

  constructor(process: Process, result: AcceptResult, answer: (status: number) => void) {
    this.#process = process;
    this.#result = result;
    this.#answer = answer;
  }

  commit(): void {
    if (this.#result === ACCEPTED_NEW) this.#tell(202);
    else if (this.#result === DUPLICATE) this.#tell(200);
    else this.#tell(this.#result === CONFLICT ? 409 : 503);
  }

  abort(): void {
    this.#tell(503);
  }

  #tell(status: number): void {
    if (!this.#process.isOver) this.#answer(status);
  }
}
