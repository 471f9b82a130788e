import type { Ledger } from "../../core/ledger/ledger.ts";
import type { PartitionSize, Store } from "../store/store.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { type Claimed, HaltedError } from "./database.ts";
import { LeaseClaim, sizeOf } from "./lease-claim.ts";
import { LeaseFollowing } from "./lease-following.ts";
import type { LeaseStoreParts } from "./lease-store-parts.ts";
import { LEASE_MS } from "./lease-terms.ts";

/** A carrier that has just died is noticed, and its lease has lapsed, within this. */
const LAPSE_MS = LEASE_MS + 1000;

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

  constructor(partitionCount: number, parts: LeaseStoreParts) {
    this.partitionCount = partitionCount;
    this.#parts = parts;
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

  /** Undefined also where the answer was lost: another try gets it, with the epoch after. */
  async #tryClaim(partition: number, signal: AbortSignal): Promise<LeaseClaim | undefined> {
    const { database, membership, processors, capacity, logger } = this.#parts;
    const { life } = membership;
    if (!membership.isValid) return undefined;
    let claimed: Claimed | "taken";
    try {
      claimed = await database.claim(partition, { life, processors, capacity });
    } catch (error) {
      if (error instanceof HaltedError) throw error;
      logger.warn({ err: error, partition: partition + 1 }, "a partition could not be claimed: it is tried again");
      return undefined;
    }
    if (claimed === "taken") return undefined;
    const claim = new LeaseClaim(partition, claimed, life, this.#parts);
    if (!signal.aborted) return claim;
    await claim.release();
    return undefined;
  }
}
