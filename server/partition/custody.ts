import type { Logger } from "pino";
import type { Claim, Store, StoreStanding } from "../store/store.ts";
import type { Time, Timer } from "../system/time.ts";
import { FencedError } from "../turn/record-log.ts";
import { Carriers, type Elsewhere } from "./carriers.ts";
import { ClaimPace } from "./claim-pace.ts";
import { HandOverPace } from "./hand-over-pace.ts";
import { type Hold, Holds } from "./holds.ts";
import type { Bulletin, Carriage, Neighbours } from "./neighbours.ts";
import type { LedgerAhead, Partition } from "./partition.ts";
import type { ReadingAlong } from "./reading-along.ts";
import type { Sharing } from "./sharing.ts";
import { StoppedWatch } from "./stopped-watch.ts";
import { heirOf, isExpected, isStaying, rankOf, type Survey, sharers } from "./succession.ts";

/** What is decided by time is decided this often; changes are looked at at once. */
const LOOK_MS = 50;
/** An instance that has run for so long is warm: its partitions go back to it. */
const WARM_AFTER_MS = 5000;
/** A start waits so long for a partition that is locked by nobody who is known, or whose right has yet to lapse. */
const START_CLAIM_MS = 2000;
/** Where instances come and go, those that start at the same time hear of each other before they claim anything. */
const GATHERING_MS = 500;
/** How long heirs may take to carry what was left to them, before this instance ends all the same. */
const HEIR_MS = 1000;

export type CustodyParts = {
  /** This instance, from 0. */
  self: number;
  sharing: Sharing;
  store: Store;
  neighbours: Neighbours;
  time: Time;
  logger: Logger;
  /** From 0 to below 1. */
  random: () => number;
  /** Says why a partition of so many payments would not fit in memory; undefined when it does. */
  refusalOfSize: (paymentsExpected: number) => string | undefined;
  /** See Partition.open: the claim is given back where that rejects. */
  open: (claim: Claim, ahead: LedgerAhead | undefined, signal: AbortSignal) => Promise<Partition>;
  readingAlong: ReadingAlong;
};

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
 * The right itself is the store's to give, so two instances that are wrong about each other never both carry. A store
 * whose rights lapse can take one away: then the partition is `lost` at once, in whatever state it is, and away again.
 */
export class Custody {
  readonly carriers: Carriers;
  readonly stoppedWatch: StoppedWatch;
  readonly #parts: CustodyParts;
  readonly #holds: Holds;
  readonly #claimPace: ClaimPace;
  readonly #handOverPace: HandOverPace;
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
  #isHandingOver = false;
  #isStarting = true;
  #isLeaving = false;
  #timer: Timer | undefined;

  constructor(parts: CustodyParts) {
    const { store, neighbours, time, random } = parts;
    const { partitionCount: count } = store;
    this.#parts = parts;
    this.carriers = new Carriers(count, neighbours);
    this.stoppedWatch = new StoppedWatch(time);
    this.#holds = new Holds(count);
    this.#claimPace = new ClaimPace(count, random, store.lapseMs);
    this.#handOverPace = new HandOverPace(count);
    this.#problems = Array.from({ length: count }, () => undefined);
    this.#startedAtMs = time.monotonicMs();
    this.#life = Math.floor(random() * 2 ** 48).toString(16);
    neighbours.publish(() => this.#bulletin());
    neighbours.onChange(() => this.#changed());
  }

  get partitionCount(): number {
    return this.#holds.count;
  }

  /** The partition, if it is carried here. Hot. */
  at(partition: number): Partition | undefined {
    return this.#holds.at(partition);
  }

  /** Those carried here, in their order. */
  carried(): Partition[] {
    return this.#holds.carried();
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

  /** See Store. */
  get standing(): StoreStanding | undefined {
    return this.#parts.store.standing;
  }

  /** Why a partition is not carried here, if that was tried last. */
  problemOf(partition: number): string | undefined {
    return this.#problems[partition];
  }

  /** This instance ends, and nobody is there to take what it leaves. */
  get isEnding(): boolean {
    return this.#isLeaving && !this.#isAnyUp;
  }

  place(partition: number): Place {
    return this.at(partition) ?? this.carriers.place(partition);
  }

  /** What this instance says of the partitions that it has. */
  carriages(): Carriage[] {
    return this.#holds.carriages();
  }

  /**
   * Whether these are the numbers of all partitions' carriers now, as far as that has to be asked; false where nobody
   * answers within `timeoutMs`.
   */
  areCurrent(epochs: readonly number[], timeoutMs: number): Promise<boolean> {
    const { store, time } = this.#parts;
    if (store.areCurrent === undefined) return Promise.resolve(true);
    const answer = store.areCurrent(epochs);
    return new Promise((resolve) => {
      const timer = time.after(timeoutMs, () => resolve(false));
      void answer.then((areCurrent) => {
        timer.cancel();
        resolve(areCurrent);
      });
    });
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
   * be carried here cannot be, or `signal` is aborted. Where rights lapse it waits START_CLAIM_MS at most, and whatever
   * is not carried by then is claimed later.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { time, store, self, sharing } = this.#parts;
    const rightsLapse = store.lapseMs > 0;
    if (rightsLapse) await time.pause(GATHERING_MS);
    await this.#knowOthers(signal);
    this.carriers.look();
    this.#share();
    for (let partition = 0; partition < store.partitionCount && !rightsLapse; partition++) {
      if (sharing.preferredOf(partition) !== self) continue;
      await this.#startWith(partition, signal);
    }
    this.stoppedWatch.begin();
    this.#timer = time.after(LOOK_MS, this.#tick);
    this.#changed();
    if (rightsLapse) await this.#untilPreferredAreCarried(signal);
    this.#isStarting = false;
  }

  /** Another instance is about to leave us a partition: true once we read along with it. */
  async follow(partition: number): Promise<boolean> {
    if (this.#isLeaving || this.#holds.stateOf(partition) !== "away") return false;
    return this.#parts.readingAlong.begin(partition);
  }

  /**
   * The right to carry the partition is gone, or may be: nobody is asked it any more here, and nothing of it is sent or
   * written. It is claimed again in turn, like any other.
   */
  lost(number: number): void {
    const hold = this.#holds.get(number);
    if (hold.state === "adopting") hold.giveUp.abort(new FencedError(`the right is lost: partition=${number + 1}`));
    if (hold.state !== "carried" && hold.state !== "leaving") return;
    const { partition, state } = hold;
    const { logger, time } = this.#parts;
    logger.warn({ partition: number + 1, epoch: partition.epoch }, "partition lost: another may have it");
    this.#holds.set(number, { state: "lost" });
    this.#claimPace.lost(number, time.monotonicMs());
    partition.abandon();
    this.#announce();
    // One that is being left ends by itself.
    if (state === "carried") this.#move(this.#end(partition));
  }

  /**
   * Hands everything over to those who stay, and closes what nobody takes, waiting for answers up to `graceMs`.
   */
  async leave(graceMs: number): Promise<void> {
    this.#isLeaving = true;
    this.#adoptions.abort();
    this.#parts.readingAlong.close();
    this.#parts.neighbours.tell();
    this.#share();
    await Promise.all([...this.#moves, ...this.carried().map((partition) => this.#bequeath(partition, graceMs))]);
    await this.#untilCarriedByOthers();
    // Until here: an instance that leaves slowly is not one that was stopped, and serves what it still has.
    this.#timer?.cancel();
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
    this.#share();
    for (let number = 0; number < this.#holds.count; number++) {
      const hold = this.#holds.get(number);
      if (hold.state === "carried") this.#considerHandBack(hold.partition, nowMs);
      else if (hold.state === "away") this.#considerClaim(number, nowMs);
      else if (hold.state === "claiming") this.#considerGivingUpTheWait(number, hold, nowMs);
      else if (hold.state === "adopting") this.#considerGivingUp(hold);
    }
  }

  /** Who is to carry what, as things are now. */
  #share(): void {
    const { self, sharing } = this.#parts;
    const others = sharers(this.#survey(this.#parts.time.monotonicMs()));
    const members = this.#isLeaving ? others : [...others, self].sort((a, b) => a - b);
    const owners = Array.from({ length: this.#holds.count }, (_, partition) =>
      this.#holds.isOwn(partition) ? self : this.carriers.owner(partition),
    );
    sharing.share({ members, owners });
  }

  #considerClaim(partition: number, nowMs: number): void {
    const { self, store, sharing } = this.#parts;
    const preferred = sharing.preferredOf(partition);
    if (!store.canMove && preferred !== self) return;
    const taken = this.carriers.taken(partition);
    const pace = this.#claimPace;
    if (taken === "by one that is up") {
      pace.taken(partition);
      this.#problems[partition] = undefined;
      return;
    }
    pace.free(partition, nowMs);
    const survey = this.#survey(nowMs);
    const rank = rankOf(survey, sharing.inOrder(partition));
    if (isExpected(survey, preferred) || !pace.isDue(partition, rank, nowMs)) return;
    if (taken === "by one that is silent") pace.triedAtSilent(partition, nowMs);
    this.#move(this.#claim(partition, false, rank));
  }

  /** A claim may wait until another's right has lapsed: meanwhile somebody may have it, or be to have it first. */
  #considerGivingUpTheWait(partition: number, { rank, giveUp }: Hold & { state: "claiming" }, nowMs: number): void {
    const isTaken = this.carriers.taken(partition) === "by one that is up";
    const rankNow = rankOf(this.#survey(nowMs), this.#parts.sharing.inOrder(partition));
    if (isTaken || rankNow > rank) giveUp.abort();
  }

  /** There was more in it than its files' sizes told: this instance must not die of it. */
  #considerGivingUp({ giveUp, hasToFit }: Hold & { state: "adopting" }): void {
    const refusal = hasToFit ? this.#parts.refusalOfSize(0) : undefined;
    if (refusal !== undefined) giveUp.abort(new Error(refusal));
  }

  #survey(nowMs: number): Survey {
    const { self, neighbours } = this.#parts;
    return { self, neighbours, wasUp: this.#wasUp, upForMs: nowMs - this.#startedAtMs };
  }

  /** True when it is carried here. Rejects when it could have been, and failed. */
  async #claim(partition: number, isFirst: boolean, rank = 0): Promise<boolean> {
    const { store, time, logger, refusalOfSize } = this.#parts;
    const giveUp = new AbortController();
    this.#holds.set(partition, { state: "claiming", rank, giveUp });
    let claim: Claim | undefined;
    try {
      claim = await store.claim(partition, AbortSignal.any([this.#adoptions.signal, giveUp.signal]));
      if (claim === undefined) {
        this.#claimPace.lost(partition, time.monotonicMs());
        return false;
      }
      const refusal = isFirst ? undefined : refusalOfSize(claim.paymentsExpected);
      if (refusal !== undefined || this.#isLeaving) {
        if (refusal !== undefined) this.#refuse(partition, refusal);
        await claim.release();
        return false;
      }
      return await this.#adopt(claim, isFirst);
    } catch (error) {
      if (error instanceof FencedError) {
        // Another was faster, or this instance is no member any more.
        this.#claimPace.lost(partition, time.monotonicMs());
        return false;
      }
      this.#claimPace.refused(partition, time.monotonicMs());
      if (!isFirst && !this.#isLeaving) {
        logger.error({ err: error, partition: partition + 1 }, "a partition cannot be carried: it is tried again");
        this.#problems[partition] = (error as Error).message;
      }
      throw error;
    } finally {
      if (this.at(partition) === undefined) {
        this.#holds.set(partition, { state: "away" });
        this.#announce();
      }
    }
  }

  /** False when this instance is to end by now. */
  async #adopt(claim: Claim, isFirst: boolean): Promise<boolean> {
    const { time, logger, open, readingAlong } = this.#parts;
    const { partition: number } = claim;
    const beganAtMs = time.monotonicMs();
    const giveUp = new AbortController();
    this.#holds.set(number, { state: "adopting", sinceMs: time.wallMs(), giveUp, hasToFit: !isFirst });
    this.#announce();
    const signal = AbortSignal.any([this.#adoptions.signal, giveUp.signal]);
    const partition = await open(claim, await readingAlong.take(number), signal);
    if (this.#isLeaving || giveUp.signal.reason instanceof FencedError) {
      await partition.leave();
      return false;
    }
    partition.begin();
    this.#problems[number] = undefined;
    this.#claimPace.carried(number);
    this.#handOverPace.carried(number, time.monotonicMs());
    this.carriers.noteEpoch(number, partition.epoch);
    this.#holds.set(number, { state: "carried", partition });
    this.#announce();
    const ms = Math.round(time.monotonicMs() - beganAtMs);
    const { size: payments } = partition.books.engine.ledger;
    const fields = { partition: number + 1, epoch: partition.epoch, payments, ms };
    if (isFirst || this.#isStarting) logger.info(fields, "partition carried");
    else {
      this.#takeOverCount++;
      logger.warn(fields, "partition taken over");
    }
    return true;
  }

  #refuse(partition: number, refusal: string): void {
    this.#claimPace.refused(partition, this.#parts.time.monotonicMs());
    if (this.#problems[partition] !== refusal)
      this.#parts.logger.error({ partition: partition + 1 }, `a partition is not taken over: ${refusal}`);
    this.#problems[partition] = refusal;
  }

  #considerHandBack(partition: Partition, nowMs: number): void {
    const { neighbours, self, sharing } = this.#parts;
    const preferred = sharing.preferredOf(partition.number);
    if (preferred === self || this.#isHandingOver || !this.#handOverPace.isDue(nowMs)) return;
    if (!isStaying(neighbours, preferred) || neighbours.bulletin(preferred)!.upMs < WARM_AFTER_MS) return;
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
    const isFollowed = await neighbours.askToFollow(heir, number);
    if (!isFollowed || !isStaying(neighbours, heir) || this.at(number) !== partition) {
      this.#handOverPace.inVain(time.monotonicMs());
      return false;
    }
    await partition.prepareToLeave();
    if (this.at(number) !== partition) return false;
    logger.warn({ partition: number + 1, heir: heir + 1 }, "partition handed over");
    this.#handOverCount++;
    this.#handOverPace.given(number, time.monotonicMs());
    await this.#let(partition);
    return true;
  }

  /** Nobody asks the partition any more from here on; then it is ended, and then the right is somebody else's. */
  async #let(partition: Partition): Promise<void> {
    const { time } = this.#parts;
    const { number } = partition;
    this.#holds.set(number, { state: "leaving", partition, sinceMs: time.wallMs() });
    this.#announce();
    await this.#end(partition);
  }

  async #end(partition: Partition): Promise<void> {
    const { number } = partition;
    try {
      await partition.leave();
    } finally {
      if (this.#holds.stateOf(number) === "leaving") this.#claimPace.left(number, this.#parts.time.monotonicMs());
      this.#holds.set(number, { state: "away" });
      this.#announce();
    }
  }

  async #bequeath(partition: Partition, graceMs: number): Promise<void> {
    const heir = this.#heirOf(partition.number);
    if (heir !== undefined && (await this.#handOver(partition, heir))) return;
    if (this.at(partition.number) !== partition) return;
    await partition.drain(graceMs);
    if (this.at(partition.number) !== partition) return;
    await this.#let(partition);
  }

  #heirOf(partition: number): number | undefined {
    if (!this.#parts.store.canMove) return undefined;
    return heirOf(this.#survey(this.#parts.time.monotonicMs()), this.#parts.sharing.inOrder(partition));
  }

  /** Requests that wait here reach the partitions where they are now. */
  async #untilCarriedByOthers(): Promise<void> {
    const { time } = this.#parts;
    const untilMs = time.monotonicMs() + HEIR_MS;
    while (this.#isAnyUp && !this.carriers.haveAll && time.monotonicMs() < untilMs) await this.changed(LOOK_MS);
  }

  /** Until something is known of every other instance; a process that has just died is no news for long. */
  async #knowOthers(signal: AbortSignal): Promise<void> {
    const { neighbours } = this.#parts;
    while (neighbours.others.some((other) => neighbours.standing(other) === "unknown")) {
      signal.throwIfAborted();
      await this.changed(LOOK_MS);
    }
  }

  /** A right that has to lapse first is not waited for that long: what is missing is another's as yet. */
  async #untilPreferredAreCarried(signal: AbortSignal): Promise<void> {
    const { time, self, sharing } = this.#parts;
    const untilMs = time.monotonicMs() + START_CLAIM_MS;
    const isMissing = (partition: number): boolean =>
      sharing.preferredOf(partition) === self &&
      this.at(partition) === undefined &&
      this.carriers.taken(partition) !== "by one that is up";
    const partitions = Array.from({ length: this.partitionCount }, (_, partition) => partition);
    while (partitions.some(isMissing) && time.monotonicMs() < untilMs) {
      signal.throwIfAborted();
      await this.changed(LOOK_MS);
    }
    signal.throwIfAborted();
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
      await time.pause(this.#claimPace.waitMs(partition, time.monotonicMs()));
    }
  }

  get #isAnyUp(): boolean {
    const { neighbours } = this.#parts;
    return neighbours.others.some((other) => neighbours.standing(other) === "up");
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
      // What this instance may have lost without knowing it yet, others are free to claim.
      carries: this.#parts.store.holdsRights ? this.carriages() : [],
    };
  }
}
