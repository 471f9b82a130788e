import { randomInt } from "node:crypto";
import { Engine, type EngineOptions } from "../../core/engine.ts";
import type { Ways } from "../../core/routing/ways.ts";
import { type Books, beginSending, keepBooks, type Sending } from "../books.ts";
import { DoubtDesk } from "../doubts/doubt-desk.ts";
import type { Log } from "../log/log.ts";
import type { Meters } from "../meters/meters.ts";
import type { PaymentBody } from "../payments/payment-body.ts";
import type { PaymentService } from "../payments/payment-service.ts";
import type { ProcessorConfig } from "../settings/processors.ts";
import type { Claim, Following, Storage } from "../store/store.ts";
import type { Network } from "../system/network.ts";
import type { Time, Timer } from "../system/time.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { SlewedClock } from "../turn/clock.ts";

/** Answers that come a little later spare the next carrier a doubt each. */
const LAST_ANSWERS_MS = 150;

/** Between looks at whether the log still answers while a partition is left. */
const LATE_LOOK_MS = 100;

/** What all partitions of an instance work with. */
export type PartitionSurroundings = {
  /** Gates and limits of the processors, which all partitions share. */
  ways: Ways;
  engineOptions: Omit<EngineOptions, "partition" | "capacity" | "seed">;
  processors: readonly ProcessorConfig[];
  requestTimeoutMs: number;
  /** Whether what is told has to survive a loss of power. */
  syncs: boolean;
  time: Time;
  /** One for all, because the gates know one time. */
  clock: SlewedClock;
  network: Network;
  log: Log;
  meters: Meters;
  tracing?: Tracing | undefined;
  /** The last body read, of any partition. */
  body: PaymentBody;
  /** A log cannot be trusted any more: the process has to end. */
  onBroken: (error: Error) => void;
  /** Another has taken a partition over. Undefined where that must not be: then its log is broken. */
  onLost?: ((partition: number) => void) | undefined;
  /**
   * Makes the engine hold what may have been sent since its records end; returns what ends that. Undefined where
   * nothing is missing.
   */
  hold?: ((books: Books, storage: Storage) => RestoredWork | undefined) | undefined;
};

/** What is done about restored data once sending begins. */
export type RestoredWork = { begin(): { close(): void } };

/** A ledger that reads along while another instance carries its partition. */
export type LedgerAhead = { engine: Engine; following: Following };

/** An engine for a partition, with an empty ledger. */
export function newEngine(partition: number, capacity: number, { ways, engineOptions }: PartitionSurroundings): Engine {
  return new Engine(ways.beside(), { ...engineOptions, partition, capacity, seed: randomInt(2 ** 32) | 0 });
}

/**
 * A partition that this instance carries: its payments, the log they are in, and what sends them.
 *
 *   open ──► begin ──► accepting and sending ──► leave   at once: what is out is in doubt, for the next carrier
 *                                           └──► drain   answers are waited for, for a while; then leave
 */
export class Partition {
  /** From 0. */
  readonly number: number;
  /** By the wall clock. */
  readonly sinceMs: number;
  readonly books: Books;
  readonly desk: DoubtDesk;
  readonly #surroundings: PartitionSurroundings;
  readonly #storage: Storage;
  readonly #restoredWork: RestoredWork | undefined;
  #isAbandoned = false;
  #sending: Sending | undefined;
  #restored: { close(): void } | undefined;

  private constructor(
    number: number,
    books: Books,
    storage: Storage,
    restoredWork: RestoredWork | undefined,
    surroundings: PartitionSurroundings,
  ) {
    this.number = number;
    this.sinceMs = surroundings.time.wallMs();
    this.books = books;
    this.#storage = storage;
    this.#restoredWork = restoredWork;
    this.#surroundings = surroundings;
    this.desk = new DoubtDesk(books);
  }

  /** Replays the log and takes up its work, but for sending. Gives the claim back, and rejects, as Claim.open does. */
  static async open(
    claim: Claim,
    surroundings: PartitionSurroundings,
    ahead: LedgerAhead | undefined,
    signal: AbortSignal,
  ): Promise<Partition> {
    const { engine, storage } = await replayed(claim, surroundings, ahead, signal);
    try {
      const { onLost, onBroken } = surroundings;
      const onFenced = onLost ? () => onLost(claim.partition) : onBroken;
      const books = keepBooks({ ...surroundings, engine, storage, onFenced });
      const restoredWork = surroundings.hold?.(books, storage);
      engine.resume(books.clock.nowMs(), storage.latestMs);
      return new Partition(claim.partition, books, storage, restoredWork, surroundings);
    } catch (error) {
      engine.letGo();
      await storage.close();
      throw error;
    }
  }

  /** Number of this carrier: each later one has a higher one. */
  get epoch(): number {
    return this.#storage.epoch;
  }

  get service(): PaymentService {
    return this.books.service;
  }

  /** Begins to send. What is sent cannot be taken back. */
  begin(): void {
    this.#sending = beginSending(this.books, this.#surroundings);
    this.#restored = this.#restoredWork?.begin();
  }

  /**
   * Makes `leave` quick, while payments are still accepted: no checkpoint is under way any more, nothing more is sent,
   * and most of what is out is answered.
   */
  async prepareToLeave(): Promise<void> {
    await Promise.all([this.#storage.endUpkeep(), this.#sending?.dispatcher.pause(LAST_ANSWERS_MS)]);
  }

  /**
   * Leaves everything as it is to the next carrier: what was decided is in the log, what is out at the processors is in
   * doubt there. Nobody may ask this partition for anything any more. Resolves when the right to carry is given back.
   */
  async leave(): Promise<void> {
    if (!this.#isAbandoned) this.#stop();
    this.#sending?.dispatcher.abandon();
    await this.#settled();
    this.books.commit.end();
    this.books.tracing?.payments.close();
    await this.#storage.close();
  }

  /**
   * The right to carry it is gone, at once: nothing is sent, written or answered from here on, whatever is under way.
   * `leave` clears up after that.
   */
  abandon(): void {
    this.#isAbandoned = true;
    this.#stop();
    this.#sending?.dispatcher.abandon();
    this.books.commit.abandon();
  }

  /** Refuses new payments, and waits for the answers to what is out, at most `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#stop();
    await this.#sending?.dispatcher.close(graceMs);
  }

  #stop(): void {
    this.service.beginClosing();
    this.#restored?.close();
    this.#sending?.ticking.close();
  }

  /** What was decided is in the log, or cannot be, or nobody can say so for long. */
  async #settled(): Promise<void> {
    const { commit, time } = this.books;
    // Nobody ticks any more.
    const noteLate = (): Timer => {
      commit.noteLate();
      return time.after(LATE_LOOK_MS, () => {
        timer = noteLate();
      });
    };
    let timer = noteLate();
    const isSettled = await new Promise<boolean>((resolve) => commit.whenSettled(resolve));
    if (isSettled) await commit.durable();
    timer.cancel();
  }
}

/** What was read along is worth something only as long as nothing is wrong with it. */
async function replayed(
  claim: Claim,
  surroundings: PartitionSurroundings,
  ahead: LedgerAhead | undefined,
  signal: AbortSignal,
): Promise<{ engine: Engine; storage: Storage }> {
  const { onBroken } = surroundings;
  try {
    const storage = ahead && (await claim.open(ahead.engine.ledger, { ...ahead, signal, onBroken }).catch(() => {}));
    ahead?.following.close();
    if (ahead && storage) return { engine: ahead.engine, storage };
    signal.throwIfAborted();
    const engine = newEngine(claim.partition, claim.capacity, surroundings);
    return { engine, storage: await claim.open(engine.ledger, { signal, onBroken }) };
  } catch (error) {
    await claim.release();
    throw error;
  }
}
