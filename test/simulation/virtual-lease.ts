import { Appender } from "../../server/lease/appender.ts";
import { LeaseStore } from "../../server/lease/lease-store.ts";
import { Membership } from "../../server/lease/membership.ts";
import { logOf } from "../support/memory-log.ts";
import { namesOf } from "../support/terms.ts";
import type { DatabaseClient } from "./database-client.ts";
import type { Process } from "./process.ts";
import { SlowTime } from "./slow-time.ts";
import type { VirtualDatabase } from "./virtual-database.ts";

const TIDY_MS = 1500;

const { log: LOG } = logOf("silent");

export type VirtualLeaseParts = {
  process: Process;
  database: VirtualDatabase;
  /** Ends a start that is given up. */
  signal: AbortSignal;
  /** After each renewal: the instances that are members. */
  onMembers: (instances: readonly number[]) => void;
  /** Others may have whatever this process had. */
  onExpelled: () => void;
};

/** What a process has of a store by lease. */
export class VirtualLease {
  readonly store: LeaseStore;
  readonly membership: Membership;
  readonly #appender: Appender;
  readonly #client: DatabaseClient;
  readonly #process: Process;

  private constructor(partitionCount: number, client: DatabaseClient, parts: VirtualLeaseParts) {
    const { process, onMembers, onExpelled } = parts;
    const { settings, random } = process.world;
    const { awaited: time, instance: number } = process;
    const { logger } = LOG;
    this.#client = client;
    this.#process = process;
    this.membership = new Membership({
      database: client,
      time,
      logger,
      number,
      address: `tcp:instance-${number}:1`,
      randomName: () => `${number}-${random.bits().toString(36)}`,
    });
    this.membership.listen({ onCensus: ({ members }) => onMembers(members.map(({ number }) => number)), onExpelled });
    this.#appender = new Appender(client, time, logger);
    this.store = new LeaseStore(partitionCount, {
      database: client,
      membership: this.membership,
      appender: this.#appender,
      processors: namesOf(settings.processorCount),
      capacity: settings.capacity,
      checkpointBytes: settings.segmentBytes,
      sliceRows: settings.sliceRows,
      fetchBytes: settings.fetchBytes,
      time: settings.replaysSlowly ? new SlowTime(time) : time,
      logger,
    });
  }

  /** Becomes a member. Rejects where the database cannot be asked, or another process has the number. */
  static async open(parts: VirtualLeaseParts): Promise<VirtualLease> {
    const client = parts.database.client(parts.process);
    const { partitionCount } = await client.layout();
    const lease = new VirtualLease(partitionCount, client, parts);
    await lease.membership.join(parts.signal);
    lease.#tidy();
    return lease;
  }

  /** As members do now and then, in whatever order. */
  #tidy(): void {
    this.#process.awaited.after(TIDY_MS, () => {
      this.#client.tidy().catch(() => {});
      this.#tidy();
    });
  }

  /** Leaves. Nothing is carried any more. */
  async close(): Promise<void> {
    this.#appender.close();
    await this.membership.leave();
    await this.#client.close();
  }
}
