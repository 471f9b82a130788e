import type { Logger } from "pino";
import type { Claim, Store } from "../store/store.ts";
import type { Time } from "../system/time.ts";
import { FencedError } from "../turn/record-log.ts";
import type { Carriers } from "./carriers.ts";
import type { ClaimPace } from "./claim-pace.ts";
import type { HandOverPace } from "./hand-over-pace.ts";
import type { Hold, Holds } from "./holds.ts";
import type { Life } from "./life.ts";
import type { LedgerAhead, Partition } from "./partition.ts";
import type { ReadingAlong } from "./reading-along.ts";
import type { Succession } from "./succession.ts";

/** What makes a partition of a right to carry it. */
export type AdoptionParts = {
  /** Says why a partition of so many payments would not fit in memory; undefined when it does. */
  refusalOfSize: (paymentsExpected: number) => string | undefined;
  /** See Partition.open: the claim is given back where that rejects. */
  open: (claim: Claim, ahead: LedgerAhead | undefined, signal: AbortSignal) => Promise<Partition>;
  readingAlong: ReadingAlong;
};

export type ClaimsParts = AdoptionParts & {
  store: Store;
  time: Time;
  logger: Logger;
  life: Life;
  holds: Holds;
  carriers: Carriers;
  succession: Succession;
  claimPace: ClaimPace;
  handOverPace: HandOverPace;
  /** Tells the others, and whoever waits, that what this instance has of a partition has changed. */
  announce: () => void;
};

/** How partitions come to this instance: when it is its turn, it asks for the right, and adopts what it is given. */
export class Claims {
  readonly #parts: ClaimsParts;
  /** Why a partition is not carried here, if that was tried last. */
  readonly #problems: (string | undefined)[];
  readonly #adoptions = new AbortController();
  #takeOverCount = 0;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
    this.#problems = Array.from({ length: parts.holds.count }, () => undefined);
  }

  /** Partitions taken over from others, in this life. */
  get takeOverCount(): number {
    return this.#takeOverCount;
  }

  /** Why a partition is not carried here, if that was tried last. */
  problemOf(partition: number): string | undefined {
    return this.#problems[partition];
  }

  /** Takes up nothing more, and gives up what is under way. */
  end(): void {
    this.#adoptions.abort();
  }

  /** The claim that is due, if one is: it is under way then. What is under way is given up where it has to be. */
  consider(partition: number, nowMs: number): Promise<boolean> | undefined {
    const hold = this.#parts.holds.get(partition);
    if (hold.state === "away") return this.#considerClaim(partition, nowMs);
    if (hold.state === "claiming") this.#considerGivingUpTheWait(partition, hold);
    else if (hold.state === "adopting") this.#considerGivingUp(hold);
    return undefined;
  }

  /**
   * True when it is carried here, false when it is not to be. Rejects when it could have been, and failed. `isFirst`:
   * this instance starts with it, whatever its size. `rank`: how many are to claim it before this instance.
   */
  async claim(partition: number, isFirst: boolean, rank = 0): Promise<boolean> {
    const { store, time, life, holds, claimPace, refusalOfSize, announce } = this.#parts;
    const giveUp = new AbortController();
    holds.set(partition, { state: "claiming", rank, giveUp });
    try {
      const claim = await store.claim(partition, AbortSignal.any([this.#adoptions.signal, giveUp.signal]));
      if (claim === undefined) {
        claimPace.lost(partition, time.monotonicMs());
        return false;
      }
      const refusal = isFirst ? undefined : refusalOfSize(claim.paymentsExpected);
      if (refusal !== undefined || life.isLeaving) {
        if (refusal !== undefined) this.#refuse(partition, refusal);
        await claim.release();
        return false;
      }
      return await this.#adopt(claim, isFirst);
    } catch (error) {
      if (!(error instanceof FencedError)) {
        this.#noteFailure(partition, error as Error, isFirst);
        throw error;
      }
      // Another was faster, or this instance is no member any more.
      claimPace.lost(partition, time.monotonicMs());
      return false;
    } finally {
      if (holds.at(partition) === undefined) {
        holds.set(partition, { state: "away" });
        announce();
      }
    }
  }

  #considerClaim(partition: number, nowMs: number): Promise<boolean> | undefined {
    const { store, carriers, succession, claimPace } = this.#parts;
    if (!store.canMove && !succession.prefersSelf(partition)) return undefined;
    const taken = carriers.taken(partition);
    if (taken === "by one that is up") {
      claimPace.taken(partition);
      this.#problems[partition] = undefined;
      return undefined;
    }
    claimPace.free(partition, nowMs);
    const rank = succession.rankOf(partition);
    if (succession.isPreferredExpected(partition) || !claimPace.isDue(partition, rank, nowMs)) return undefined;
    if (taken === "by one that is silent") claimPace.triedAtSilent(partition, nowMs);
    return this.claim(partition, false, rank);
  }

  /** A claim may wait until another's right has lapsed: meanwhile somebody may have it, or be to have it first. */
  #considerGivingUpTheWait(partition: number, { rank, giveUp }: Hold & { state: "claiming" }): void {
    const { carriers, succession } = this.#parts;
    const isTaken = carriers.taken(partition) === "by one that is up";
    if (isTaken || succession.rankOf(partition) > rank) giveUp.abort();
  }

  /** There was more in it than its files' sizes told: this instance must not die of it. */
  #considerGivingUp({ giveUp, hasToFit }: Hold & { state: "adopting" }): void {
    const refusal = hasToFit ? this.#parts.refusalOfSize(0) : undefined;
    if (refusal !== undefined) giveUp.abort(new Error(refusal));
  }

  /** False when this instance is to end by now, or the right is lost. */
  async #adopt(claim: Claim, isFirst: boolean): Promise<boolean> {
    const { time, life, holds, open, readingAlong, announce } = this.#parts;
    const { partition: number } = claim;
    const beganAtMs = time.monotonicMs();
    const giveUp = new AbortController();
    holds.set(number, { state: "adopting", sinceMs: time.wallMs(), giveUp, hasToFit: !isFirst });
    announce();
    const signal = AbortSignal.any([this.#adoptions.signal, giveUp.signal]);
    const partition = await open(claim, await readingAlong.take(number), signal);
    if (life.isLeaving || giveUp.signal.reason instanceof FencedError) {
      await partition.leave();
      return false;
    }
    this.#carry(partition);
    this.#noteCarried(partition, isFirst || life.isStarting, Math.round(time.monotonicMs() - beganAtMs));
    return true;
  }

  #carry(partition: Partition): void {
    const { time, holds, carriers, claimPace, handOverPace, announce } = this.#parts;
    const { number } = partition;
    partition.begin();
    this.#problems[number] = undefined;
    claimPace.carried(number);
    handOverPace.carried(number, time.monotonicMs());
    carriers.noteEpoch(number, partition.epoch);
    holds.set(number, { state: "carried", partition });
    announce();
  }

  #noteCarried({ number, epoch, books }: Partition, isOfStart: boolean, ms: number): void {
    const { logger } = this.#parts;
    const fields = { partition: number + 1, epoch, payments: books.engine.ledger.size, ms };
    if (isOfStart) logger.info(fields, "partition carried");
    else {
      this.#takeOverCount++;
      logger.warn(fields, "partition taken over");
    }
  }

  #refuse(partition: number, refusal: string): void {
    const { time, logger, claimPace } = this.#parts;
    claimPace.refused(partition, time.monotonicMs());
    if (this.#problems[partition] !== refusal)
      logger.error({ partition: partition + 1 }, `a partition is not taken over: ${refusal}`);
    this.#problems[partition] = refusal;
  }

  #noteFailure(partition: number, error: Error, isFirst: boolean): void {
    const { time, logger, life, claimPace } = this.#parts;
    claimPace.refused(partition, time.monotonicMs());
    if (isFirst || life.isLeaving) return;
    logger.error({ err: error, partition: partition + 1 }, "a partition cannot be carried: it is tried again");
    this.#problems[partition] = error.message;
  }
}
