import type { Ledger } from "../../core/ledger/ledger.ts";
import type { PartitionSize, Store, StoreStanding } from "../store/store.ts";
import type { Timer } from "../system/time.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { type Census, type Claimed, HaltedError, type Member } from "./database.ts";
import { LeaseClaim, sizeOf } from "./lease-claim.ts";
import { LeaseFollowing } from "./lease-following.ts";
import type { LeaseStoreParts } from "./lease-store-parts.ts";
import { LEASE_MS } from "./lease-terms.ts";

/** A carrier that has just died is noticed, and its lease has lapsed, within this. */
const LAPSE_MS = LEASE_MS + 1000;
/** Between looks at whether something can be dropped that no log needs any more. */
const TIDY_MS = 30_000;

/**
 * Partitions in a database, carried by lease: any instance on any host can carry any of them.
 *
 *   a carrier's lease ends ──► a claimant sees no renewal for a lease, ends it, and raises the epoch
 *   a carrier that goes on all the same ──► its epoch is over: it appends nothing, and answers nothing
 *
 * Epochs that fence are what Kleppmann calls fencing tokens (How to do distributed locking, 2016), leases are Gray and
 * Cheriton's (1989).
 */
export class LeaseStore implements Store {
  readonly partitionCount: number;
  readonly canMove = true;
  readonly lapseMs = LAPSE_MS;
  readonly #parts: LeaseStoreParts;
  #onLost: (partition: number) => void = () => {};
  #timer: Timer | undefined;
  #isStandbyMissing = false;

  /** `parts.membership` has not joined yet. `onMembers`: who is there, after each renewal. */
  constructor(partitionCount: number, parts: LeaseStoreParts, onMembers: (members: readonly Member[]) => void) {
    this.partitionCount = partitionCount;
    this.#parts = parts;
    const { membership, tenures } = parts;
    const lose = (partitions: readonly number[]): void => {
      for (const partition of partitions) this.#onLost(partition);
    };
    membership.listen({
      onCensus: (census, sentAtMs) => {
        onMembers(census.members);
        this.#noteStandbys(census.standbys);
        lose(tenures.compare(census, membership.life, sentAtMs));
      },
      onExpelled: () => lose(tenures.clear()),
    });
  }

  /** Joins the members; see Membership.join. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#parts.membership.join(signal);
    this.#tidyLater();
  }

  get holdsRights(): boolean {
    return this.#parts.membership.isValid;
  }

  get standing(): StoreStanding {
    const { isValid, census } = this.#parts.membership;
    const { isAskedFor, syncCount } = census.standbys;
    return {
      isLeaseValid: isValid,
      memberCount: census.members.length,
      isStandbyAskedFor: isAskedFor,
      syncStandbyCount: syncCount,
    };
  }

  /** Called with each partition that another may have by now, though it was not given back. There is one listener. */
  onLost(listener: (partition: number) => void): void {
    this.#onLost = listener;
  }

  /** Leaves the members, once everything has been given back. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#parts.projection?.close();
    await this.#parts.membership.leave();
    this.#parts.appender.close();
    await this.#parts.database.close();
  }

  /** Waits until a carrier that renews no more has lost its lease, at most some seconds. */
  async claim(partition: number, signal: AbortSignal = new AbortController().signal): Promise<LeaseClaim | undefined> {
    const { membership } = this.#parts;
    const claim = await this.#tryClaim(partition, signal);
    if (claim !== undefined || signal.aborted) return claim;
    const owner = membership.ownerOf(partition);
    if (owner === undefined || owner.life === membership.life) return undefined;
    return (await membership.untilGone(owner.life, signal)) ? this.#tryClaim(partition, signal) : undefined;
  }

  async sizeOf(partition: number): Promise<PartitionSize> {
    return sizeOf(await this.#parts.database.outline(partition), this.#parts.capacity);
  }

  follow(partition: number, ledger: Ledger): LeaseFollowing {
    const { database, processors, time, fetchBytes } = this.#parts;
    return new LeaseFollowing(new ChunkReader(database, partition, ledger, processors, time, fetchBytes), database);
  }

  /** Whether these are the epochs of all partitions now, by number; false where nobody can be asked. */
  async areCurrent(epochs: readonly number[]): Promise<boolean> {
    const current = await this.#parts.database.epochs().catch(() => []);
    return current.length === epochs.length && current.every((epoch, partition) => epoch === epochs[partition]);
  }

  #noteStandbys({ isAskedFor, syncCount }: Census["standbys"]): void {
    const isMissing = isAskedFor && syncCount === 0;
    if (isMissing === this.#isStandbyMissing) return;
    this.#isStandbyMissing = isMissing;
    const { logger } = this.#parts;
    if (isMissing) logger.error("no standby that commits wait for keeps up: nothing can be accepted");
    else logger.warn("a standby that commits wait for keeps up again");
  }

  #tidyLater(): void {
    const { database, time, logger } = this.#parts;
    this.#timer = time.after(TIDY_MS, () => {
      void database.tidy().catch((error: Error) => logger.warn({ err: error }, "the store could not be tidied"));
      this.#tidyLater();
    });
  }

  /** Undefined also where the answer was lost: another try gets it, with the epoch after. */
  async #tryClaim(partition: number, signal: AbortSignal): Promise<LeaseClaim | undefined> {
    const { membership, tenures } = this.#parts;
    const { life } = membership;
    if (!membership.isValid) return undefined;
    const claim = await tenures.claiming(partition, async () => {
      const claimed = await this.#askFor(partition, life);
      if (claimed === undefined) return undefined;
      tenures.began({ partition, since: claimed.epoch });
      return new LeaseClaim(partition, claimed, life, this.#parts);
    });
    if (claim === undefined || !signal.aborted) return claim;
    await claim.release();
    return undefined;
  }

  async #askFor(partition: number, life: string): Promise<Claimed | undefined> {
    const { database, processors, capacity, logger } = this.#parts;
    try {
      const claimed = await database.claim(partition, { life, processors, capacity });
      return claimed === "taken" ? undefined : claimed;
    } catch (error) {
      if (error instanceof HaltedError) throw error;
      logger.warn({ err: error, partition: partition + 1 }, "a partition could not be claimed: it is tried again");
      return undefined;
    }
  }
}
