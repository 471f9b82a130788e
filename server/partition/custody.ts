import type { Logger } from "pino";
import type { Claim, Store } from "../store/store.ts";
import type { Time, Timer } from "../system/time.ts";
import { Carriers, type Elsewhere } from "./carriers.ts";
import type { Bulletin, Carriage, Neighbours } from "./neighbours.ts";
import type { Partition, Reading } from "./partition.ts";
import type { ReadingAlong } from "./reading-along.ts";
import { StoppedWatch } from "./stopped-watch.ts";
import { isExpected, rankOf, type Survey } from "./succession.ts";

/** What is decided by time is decided this often; changes are looked at at once. */
const LOOK_MS = 50;
/** Each further candidate waits so much longer before it claims what the one before it has left alone. */
const RANK_WAIT_MS = 150;
/** A claim that another was faster with is tried again after a random time of these, doubling. */
const CLAIM_AGAIN_MS_MIN = 20;
const CLAIM_AGAIN_MS_MAX = 500;
/** After an adoption that failed, or a partition that does not fit in memory. */
const REFUSED_MS = 5000;
/** What an instance has left it leaves alone for so long: its heir comes first. */
const LEFT_MS = 200;
/** What comes back to who gave it away within this was not wanted. */
const GIVEN_BACK_MS = 30_000;
/** What an instance has that says nothing any more may be free all the same: that is tried now and then. */
const SILENT_AGAIN_MS = 500;
/** An instance that has run for so long is warm: its partitions go back to it. */
const WARM_AFTER_MS = 5000;
/** After a hand-over that came to nothing, doubling. */
const HAND_OVER_AGAIN_MS_MIN = 5000;
const HAND_OVER_AGAIN_MS_MAX = 600_000;
/** A start waits so long for a partition that is locked by nobody who is known. */
const START_CLAIM_MS = 2000;
/** How long heirs may take to carry what was left to them, before this instance ends all the same. */
const HEIR_MS = 1000;

export type CustodyParts = {
  /** This instance, from 0, of how many. */
  self: number;
  instanceCount: number;
  store: Store;
  neighbours: Neighbours;
  time: Time;
  logger: Logger;
  /** From 0 to below 1. */
  random: () => number;
  /** Says why a partition of so many payments would not fit in memory; undefined when it does. */
  refusalOfSize: (paymentsMax: number) => string | undefined;
  /** See Partition.open: the claim is given back where that rejects. */
  open: (claim: Claim, reading: Reading | undefined, signal: AbortSignal) => Promise<Partition>;
  readingAlong: ReadingAlong;
};

/** What this instance has of a partition. */
type Hold =
  | { state: "away" }
  | { state: "claiming" }
  | { state: "adopting"; sinceMs: number }
  | { state: "carried"; partition: Partition }
  | { state: "leaving"; partition: Partition; sinceMs: number };

export type Place = Partition | Elsewhere;

/**
 * Which partitions this instance carries, and what becomes of those that nobody does.
 *
 *             nobody has it, and      the right is ours       replayed
 *             it is our turn          and it fits in memory
 *      away ───────────────► claiming ───────────────► adopting ─────────► carried
 *        ▲                      │                         │                   │ its preferred instance is warm and
 *        │◄─── another has it ──┘◄───────── failed ───────┘                   │ reads along; or this one ends, and
 *        │                                                                    ▼ another reads along
 *        └──────────────────────── left, the right given back ◄──────────── leaving
 *
 * The right itself is the store's to give, so two instances that are wrong about each other never both carry.
 */
export class Custody {
  readonly carriers: Carriers;
  readonly stoppedWatch: StoppedWatch;
  readonly #parts: CustodyParts;
  readonly #holds: Hold[];
  /** Since when nobody has a partition, as far as is known here. */
  readonly #orphanedAtMs: (number | undefined)[];
  readonly #notBeforeMs: Float64Array;
  readonly #failedClaims: Uint32Array;
  /** Why a partition is not carried here, if that was tried last. */
  readonly #problems: (string | undefined)[];
  readonly #wasUp = new Set<number>();
  readonly #startedAtMs: number;
  readonly #life: string;
  readonly #adoptions = new AbortController();
  readonly #waiting = new Set<() => void>();
  /** Claims and hand-overs under way. */
  readonly #moves = new Set<Promise<unknown>>();
  #takeOverCount = 0;
  #handOverCount = 0;
  #handOverNotBeforeMs = 0;
  /** Hand-overs in a row that came to nothing. */
  #handOversInVain = 0;
  /** When each partition was last given away. */
  readonly #givenAtMs: Float64Array;
  #isHandingOver = false;
  #isLeaving = false;
  #timer: Timer | undefined;

  constructor(parts: CustodyParts) {
    const { store, neighbours, time, random } = parts;
    const { partitionCount: count } = store;
    this.#parts = parts;
    this.carriers = new Carriers(count, neighbours);
    this.stoppedWatch = new StoppedWatch(time);
    this.#holds = Array.from({ length: count }, () => ({ state: "away" }));
    this.#orphanedAtMs = Array.from({ length: count }, () => undefined);
    this.#notBeforeMs = new Float64Array(count);
    this.#givenAtMs = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
    this.#failedClaims = new Uint32Array(count);
    this.#problems = Array.from({ length: count }, () => undefined);
    this.#startedAtMs = time.monotonicMs();
    this.#life = Math.floor(random() * 2 ** 48).toString(16);
    neighbours.publish(() => this.#bulletin());
    neighbours.onChange(() => this.#changed());
  }

  get partitionCount(): number {
    return this.#holds.length;
  }

  /** The partition, if it is carried here. Hot. */
  at(partition: number): Partition | undefined {
    const hold = this.#holds[partition]!;
    return hold.state === "carried" ? hold.partition : undefined;
  }

  /** Those carried here, in their order. */
  carried(): Partition[] {
    return this.#holds.flatMap((hold) => (hold.state === "carried" ? [hold.partition] : []));
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Partitions taken over from others, and handed over to them, in this life. */
  get takeOverCount(): number {
    return this.#takeOverCount;
  }

  get handOverCount(): number {
    return this.#handOverCount;
  }

  /** Why a partition is not carried here, if that was tried last. */
  problemOf(partition: number): string | undefined {
    return this.#problems[partition];
  }

  /** This instance ends, and nobody is there to take what it leaves. */
  get isEnding(): boolean {
    const { neighbours } = this.#parts;
    return this.#isLeaving && !neighbours.others.some((other) => neighbours.standing(other) === "up");
  }

  place(partition: number): Place {
    return this.at(partition) ?? this.carriers.place(partition);
  }

  /** What this instance says of the partitions that it has. */
  carriages(): Carriage[] {
    return this.#holds.flatMap((hold, partition) => carriageOf(hold, partition) ?? []);
  }

  /** Resolves when something has changed, or after `timeoutMs`. */
  changed(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#waiting.delete(end);
        resolve();
      };
      const timer = this.#parts.time.after(timeoutMs, end);
      this.#waiting.add(end);
    });
  }

  /**
   * Resolves when every partition that prefers this instance is carried, here or elsewhere. Rejects when one that is to
   * be carried here cannot be, or `signal` is aborted.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { time, store, self } = this.#parts;
    await this.#knowOthers(signal);
    this.carriers.look();
    for (let partition = 0; partition < store.partitionCount; partition++) {
      if (this.#preferredOf(partition) !== self) continue;
      await this.#startWith(partition, signal);
    }
    this.stoppedWatch.begin();
    this.#timer = time.after(LOOK_MS, this.#tick);
    this.#changed();
  }

  /** Another instance is about to leave us a partition: true once we read along with it. */
  async follow(partition: number): Promise<boolean> {
    if (this.#isLeaving || this.#holds[partition]?.state !== "away") return false;
    return this.#parts.readingAlong.begin(partition);
  }

  /**
   * Hands everything over to those who stay, and closes what nobody takes, waiting for answers up to `graceMs`.
   */
  async leave(graceMs: number): Promise<void> {
    this.#isLeaving = true;
    this.#timer?.cancel();
    this.#adoptions.abort();
    this.#parts.readingAlong.close();
    this.#parts.neighbours.tell();
    await Promise.all([...this.#moves, ...this.carried().map((partition) => this.#bequeath(partition, graceMs))]);
    await this.#untilCarriedByOthers();
  }

  /** Ends a start that is given up: nothing was accepted or sent. */
  async close(): Promise<void> {
    this.#isLeaving = true;
    this.#timer?.cancel();
    this.#adoptions.abort();
    this.#parts.readingAlong.close();
    await Promise.all([...this.#moves, ...this.carried().map((partition) => this.#let(partition))]);
  }

  /** What it ends in is seen elsewhere. */
  #move(move: Promise<unknown>): void {
    const known = move.catch(() => {}).finally(() => this.#moves.delete(known));
    this.#moves.add(known);
  }

  readonly #tick = (): void => {
    this.stoppedWatch.tick();
    this.#timer = this.#parts.time.after(LOOK_MS, this.#tick);
    this.#look();
  };

  #changed(): void {
    this.carriers.look();
    for (const wake of [...this.#waiting]) wake();
    if (this.#timer) this.#look();
  }

  #look(): void {
    if (this.#isLeaving) return;
    const { neighbours, time } = this.#parts;
    for (const other of neighbours.others) if (neighbours.standing(other) === "up") this.#wasUp.add(other);
    const nowMs = time.monotonicMs();
    for (let partition = 0; partition < this.#holds.length; partition++) {
      const hold = this.#holds[partition]!;
      if (hold.state === "away") this.#considerClaim(partition, nowMs);
      else if (hold.state === "carried") this.#considerHandBack(hold.partition, nowMs);
    }
  }

  #considerClaim(partition: number, nowMs: number): void {
    const { self, store } = this.#parts;
    const preferred = this.#preferredOf(partition);
    if (!store.canMove && preferred !== self) return;
    const taken = this.carriers.taken(partition);
    if (taken === "by one that is up") {
      this.#orphanedAtMs[partition] = undefined;
      return;
    }
    this.#orphanedAtMs[partition] ??= nowMs;
    if (nowMs < this.#notBeforeMs[partition]!) return;
    if (taken === "by one that is silent") this.#notBeforeMs[partition] = nowMs + SILENT_AGAIN_MS;
    const survey = this.#survey(nowMs);
    if (isExpected(survey, preferred)) return;
    if (nowMs - this.#orphanedAtMs[partition]! < rankOf(survey, preferred) * RANK_WAIT_MS) return;
    this.#move(this.#claim(partition, false));
  }

  #survey(nowMs: number): Survey {
    const { self, instanceCount, neighbours } = this.#parts;
    return { self, instanceCount, neighbours, wasUp: this.#wasUp, upForMs: nowMs - this.#startedAtMs };
  }

  /** True when it is carried here. Rejects when it could have been, and failed. */
  async #claim(partition: number, isFirst: boolean): Promise<boolean> {
    const { store, time, logger, refusalOfSize } = this.#parts;
    this.#holds[partition] = { state: "claiming" };
    let claim: Claim | undefined;
    try {
      claim = await store.claim(partition);
      if (claim === undefined) {
        this.#notBeforeMs[partition] = Math.max(
          this.#notBeforeMs[partition]!,
          time.monotonicMs() + this.#claimAgainMs(partition),
        );
        return false;
      }
      const refusal = isFirst ? undefined : refusalOfSize(claim.paymentsMax);
      if (refusal !== undefined || this.#isLeaving) {
        if (refusal !== undefined) this.#refuse(partition, refusal);
        await claim.release();
        return false;
      }
      await this.#adopt(claim, isFirst);
      return true;
    } catch (error) {
      this.#notBeforeMs[partition] = time.monotonicMs() + REFUSED_MS;
      if (!isFirst && !this.#isLeaving) {
        logger.error({ err: error, partition: partition + 1 }, "a partition cannot be carried: it is tried again");
        this.#problems[partition] = (error as Error).message;
      }
      throw error;
    } finally {
      if (this.at(partition) === undefined) {
        this.#holds[partition] = { state: "away" };
        this.#announce();
      }
    }
  }

  async #adopt(claim: Claim, isFirst: boolean): Promise<void> {
    const { time, logger, open, readingAlong } = this.#parts;
    const { partition: number } = claim;
    const beganAtMs = time.monotonicMs();
    this.#holds[number] = { state: "adopting", sinceMs: time.wallMs() };
    this.#announce();
    const partition = await open(claim, await readingAlong.take(number), this.#adoptions.signal);
    partition.begin();
    this.#failedClaims[number] = 0;
    this.#problems[number] = undefined;
    this.#orphanedAtMs[number] = undefined;
    this.carriers.noteEpoch(number, partition.epoch);
    this.#holds[number] = { state: "carried", partition };
    if (time.monotonicMs() - this.#givenAtMs[number]! < GIVEN_BACK_MS) this.#noteInVain();
    else this.#handOversInVain = 0;
    this.#announce();
    const ms = Math.round(time.monotonicMs() - beganAtMs);
    const { size: payments } = partition.books.engine.ledger;
    const fields = { partition: number + 1, epoch: partition.epoch, payments, ms };
    if (isFirst) logger.info(fields, "partition carried");
    else {
      this.#takeOverCount++;
      logger.warn(fields, "partition taken over");
    }
  }

  #refuse(partition: number, refusal: string): void {
    this.#notBeforeMs[partition] = this.#parts.time.monotonicMs() + REFUSED_MS;
    if (this.#problems[partition] !== refusal)
      this.#parts.logger.error({ partition: partition + 1 }, `a partition is not taken over: ${refusal}`);
    this.#problems[partition] = refusal;
  }

  #claimAgainMs(partition: number): number {
    const failed = this.#failedClaims[partition]!++;
    const baseMs = Math.min(CLAIM_AGAIN_MS_MIN * 2 ** failed, CLAIM_AGAIN_MS_MAX);
    return baseMs * (1 + 3 * this.#parts.random());
  }

  #considerHandBack(partition: Partition, nowMs: number): void {
    const { neighbours, self } = this.#parts;
    const preferred = this.#preferredOf(partition.number);
    if (preferred === self || this.#isHandingOver || nowMs < this.#handOverNotBeforeMs) return;
    const bulletin = neighbours.bulletin(preferred);
    const isWarm = neighbours.standing(preferred) === "up" && bulletin !== undefined && bulletin.upMs >= WARM_AFTER_MS;
    if (!isWarm || bulletin.isLeaving) return;
    this.#isHandingOver = true;
    const handOver = this.#handOver(partition, preferred).finally(() => {
      this.#isHandingOver = false;
    });
    this.#move(handOver);
  }

  /** True when it was left to the heir. */
  async #handOver(partition: Partition, heir: number): Promise<boolean> {
    const { neighbours, time, logger } = this.#parts;
    const { number } = partition;
    const isHeirThere = (): boolean =>
      neighbours.standing(heir) === "up" && neighbours.bulletin(heir)?.isLeaving === false;
    if (!(await neighbours.askToFollow(heir, number)) || !isHeirThere() || this.at(number) !== partition) {
      this.#noteInVain();
      return false;
    }
    await partition.prepareToLeave();
    logger.warn({ partition: number + 1, heir: heir + 1 }, "partition handed over");
    this.#handOverCount++;
    this.#givenAtMs[number] = time.monotonicMs();
    await this.#let(partition);
    return true;
  }

  #noteInVain(): void {
    const againMs = Math.min(HAND_OVER_AGAIN_MS_MIN * 2 ** this.#handOversInVain, HAND_OVER_AGAIN_MS_MAX);
    this.#handOversInVain++;
    this.#handOverNotBeforeMs = this.#parts.time.monotonicMs() + againMs;
  }

  /** Nobody asks the partition any more from here on; then it is ended, and then the right is somebody else's. */
  async #let(partition: Partition): Promise<void> {
    const { time } = this.#parts;
    const { number } = partition;
    this.#holds[number] = { state: "leaving", partition, sinceMs: time.wallMs() };
    this.#announce();
    await partition.leave();
    this.#notBeforeMs[number] = time.monotonicMs() + LEFT_MS;
    this.#holds[number] = { state: "away" };
    this.#announce();
  }

  async #bequeath(partition: Partition, graceMs: number): Promise<void> {
    const heir = this.#heirOf(partition.number);
    if (heir !== undefined && (await this.#handOver(partition, heir))) return;
    if (this.at(partition.number) !== partition) return;
    await partition.drain(graceMs);
    await this.#let(partition);
  }

  #heirOf(partition: number): number | undefined {
    const { self, instanceCount, neighbours, store } = this.#parts;
    if (!store.canMove) return undefined;
    const preferred = this.#preferredOf(partition);
    const inOrder = Array.from({ length: instanceCount }, (_, i) => (preferred + i) % instanceCount);
    return inOrder.find((other) => {
      return other !== self && neighbours.standing(other) === "up" && neighbours.bulletin(other)?.isLeaving === false;
    });
  }

  /** Requests that wait here reach the partitions where they are now. */
  async #untilCarriedByOthers(): Promise<void> {
    const { time, neighbours } = this.#parts;
    const untilMs = time.monotonicMs() + HEIR_MS;
    const isEachCarried = (): boolean => this.#holds.every((_, p) => typeof this.carriers.place(p) === "object");
    const mayBe = (): boolean => neighbours.others.some((other) => neighbours.standing(other) === "up");
    while (mayBe() && !isEachCarried() && time.monotonicMs() < untilMs) await this.changed(LOOK_MS);
  }

  /** Until something is known of every other instance; a process that has just died is no news for long. */
  async #knowOthers(signal: AbortSignal): Promise<void> {
    const { neighbours } = this.#parts;
    while (neighbours.others.some((other) => neighbours.standing(other) === "unknown")) {
      signal.throwIfAborted();
      await this.changed(LOOK_MS);
    }
  }

  async #startWith(partition: number, signal: AbortSignal): Promise<void> {
    const { time, neighbours } = this.#parts;
    const untilMs = time.monotonicMs() + START_CLAIM_MS;
    for (;;) {
      signal.throwIfAborted();
      this.carriers.look();
      if (this.carriers.taken(partition) !== "no") return;
      const stop = (): void => this.#adoptions.abort();
      signal.addEventListener("abort", stop, { once: true });
      try {
        if (await this.#claim(partition, true)) return;
      } finally {
        signal.removeEventListener("abort", stop);
      }
      // A process that is stopped may have it: it is taken over when that one ends.
      if (neighbours.others.some((other) => neighbours.standing(other) === "silent")) return;
      if (time.monotonicMs() > untilMs)
        throw new Error(`a partition must not be in use by another process: partition=${partition + 1}`);
      await time.pause(this.#notBeforeMs[partition]! - time.monotonicMs());
    }
  }

  #preferredOf(partition: number): number {
    return partition % this.#parts.instanceCount;
  }

  #announce(): void {
    this.#parts.neighbours.tell();
    this.#changed();
  }

  #bulletin(): Bulletin {
    return {
      instance: this.#parts.self,
      life: this.#life,
      upMs: Math.round(this.#parts.time.monotonicMs() - this.#startedAtMs),
      isLeaving: this.#isLeaving,
      carries: this.carriages(),
    };
  }
}

function carriageOf(hold: Hold, partition: number): Carriage | undefined {
  if (hold.state === "adopting") return { partition, epoch: 0, state: "adopting", sinceMs: hold.sinceMs };
  if (hold.state === "carried")
    return { partition, epoch: hold.partition.epoch, state: "carried", sinceMs: hold.partition.sinceMs };
  if (hold.state === "leaving")
    return { partition, epoch: hold.partition.epoch, state: "leaving", sinceMs: hold.sinceMs };
  return undefined;
}
