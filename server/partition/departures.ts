import type { Logger } from "pino";
import type { Store } from "../store/store.ts";
import type { Time } from "../system/time.ts";
import { FencedError } from "../turn/record-log.ts";
import type { Carriers } from "./carriers.ts";
import { type Changes, LOOK_MS } from "./changes.ts";
import type { ClaimPace } from "./claim-pace.ts";
import type { HandOverPace } from "./hand-over-pace.ts";
import type { Holds } from "./holds.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Partition } from "./partition.ts";
import { isStaying, type Succession } from "./succession.ts";

/** An instance that has run for so long is warm: its partitions go back to it. */
const WARM_AFTER_MS = 5000;
/** How long heirs may take to carry what was left to them, before this instance ends all the same. */
const HEIR_MS = 1000;

export type DeparturesParts = {
  store: Store;
  neighbours: Neighbours;
  time: Time;
  logger: Logger;
  holds: Holds;
  carriers: Carriers;
  succession: Succession;
  claimPace: ClaimPace;
  handOverPace: HandOverPace;
  changes: Changes;
  /** Tells the others, and whoever waits, that what this instance has of a partition has changed. */
  announce: () => void;
};

/**
 * How partitions leave this instance: handed back to the one that they prefer, bequeathed to an heir, let go where
 * nobody takes them, or lost.
 */
export class Departures {
  readonly #parts: DeparturesParts;
  #handOverCount = 0;
  #isHandingBack = false;

  constructor(parts: DeparturesParts) {
    this.#parts = parts;
  }

  /** Partitions handed over to others, in this life. */
  get handOverCount(): number {
    return this.#handOverCount;
  }

  /** The hand-over that is due, if one is: it is under way then. There is one at a time. */
  considerHandBack(partition: Partition, nowMs: number): Promise<boolean> | undefined {
    const { neighbours, succession, handOverPace } = this.#parts;
    if (succession.prefersSelf(partition.number) || this.#isHandingBack || !handOverPace.isDue(nowMs)) return undefined;
    const preferred = succession.preferredOf(partition.number);
    if (!isStaying(neighbours, preferred) || neighbours.bulletin(preferred)!.upMs < WARM_AFTER_MS) return undefined;
    this.#isHandingBack = true;
    return this.#handOver(partition, preferred).finally(() => {
      this.#isHandingBack = false;
    });
  }

  /** To an heir; where there is none, what is out is waited for, up to `graceMs`. */
  async bequeath(partition: Partition, graceMs: number): Promise<void> {
    const { store, holds, succession } = this.#parts;
    const { number } = partition;
    const heir = store.canMove ? succession.heirOf(number) : undefined;
    if (heir !== undefined && (await this.#handOver(partition, heir))) return;
    if (holds.at(number) !== partition) return;
    await partition.drain(graceMs);
    if (holds.at(number) !== partition) return;
    await this.let(partition);
  }

  /** Nobody asks the partition any more from here on; then it is ended, and then the right is somebody else's. */
  async let(partition: Partition): Promise<void> {
    const { time, holds, announce } = this.#parts;
    holds.set(partition.number, { state: "leaving", partition, sinceMs: time.wallMs() });
    announce();
    await this.#end(partition);
  }

  /** See Custody.lost. Returns the end of the partition where one is under way from now on. */
  lost(number: number): Promise<void> | undefined {
    const { time, logger, holds, claimPace, announce } = this.#parts;
    const hold = holds.get(number);
    if (hold.state === "adopting") hold.giveUp.abort(new FencedError(`the right is lost: partition=${number + 1}`));
    if (hold.state !== "carried" && hold.state !== "leaving") return undefined;
    const { partition, state } = hold;
    logger.warn({ partition: number + 1, epoch: partition.epoch }, "partition lost: another may have it");
    holds.set(number, { state: "lost" });
    claimPace.lost(number, time.monotonicMs());
    partition.abandon();
    announce();
    // One that is being left ends by itself.
    return state === "carried" ? this.#end(partition) : undefined;
  }

  /** Requests that wait here reach the partitions where they are now. */
  async untilCarriedByOthers(): Promise<void> {
    const { time, succession, carriers, changes } = this.#parts;
    const untilMs = time.monotonicMs() + HEIR_MS;
    while (succession.isAnyUp && !carriers.haveAll && time.monotonicMs() < untilMs) await changes.next(LOOK_MS);
  }

  /** True when it was left to the heir. */
  async #handOver(partition: Partition, heir: number): Promise<boolean> {
    const { neighbours, time, logger, holds, handOverPace } = this.#parts;
    const { number } = partition;
    const isFollowed = await neighbours.askToFollow(heir, number);
    if (!isFollowed || !isStaying(neighbours, heir) || holds.at(number) !== partition) {
      handOverPace.inVain(time.monotonicMs());
      return false;
    }
    await partition.prepareToLeave();
    if (holds.at(number) !== partition) return false;
    logger.warn({ partition: number + 1, heir: heir + 1 }, "partition handed over");
    this.#handOverCount++;
    handOverPace.given(number, time.monotonicMs());
    await this.let(partition);
    return true;
  }

  async #end(partition: Partition): Promise<void> {
    const { time, holds, claimPace, announce } = this.#parts;
    const { number } = partition;
    try {
      await partition.leave();
    } finally {
      if (holds.stateOf(number) === "leaving") claimPace.left(number, time.monotonicMs());
      holds.set(number, { state: "away" });
      announce();
    }
  }
}
