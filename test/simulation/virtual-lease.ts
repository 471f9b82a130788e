import { Appender } from "../../server/lease/appender.ts";
import { LeaseStore } from "../../server/lease/lease-store.ts";
import { Membership } from "../../server/lease/membership.ts";
import { Tenures } from "../../server/lease/tenures.ts";
import { logOf } from "../support/memory-log.ts";
import { namesOf } from "../support/terms.ts";
import type { DatabaseClient } from "./database-client.ts";
import type { Process } from "./process.ts";
import { SlowTime } from "./slow-time.ts";
import type { VirtualDatabase } from "./virtual-database.ts";

/** More often than a process does it that runs for longer than these. */
const TIDY_MS = 1500;

const { log: LOG } = logOf("silent");

export type VirtualLeaseParts = {
  process: Process;
  database: VirtualDatabase;
  /** Ends a start that is given up. */
  signal: AbortSignal;
  /** After each renewal: the instances that are members. */
  onMembers: (instances: readonly number[]) => void;
};

/** A process's store by lease, put together as openStore does. */
export class VirtualLease {
  readonly store: LeaseStore;
  readonly membership: Membership;

  private constructor(partitionCount: number, client: DatabaseClient, { process, onMembers }: VirtualLeaseParts) {
    const { settings, random } = process.world;
    const { awaited: time, instance: number } = process;
    const { logger } = LOG;
    this.membership = new Membership({
      database: client,
      time,
      logger,
      number,
      address: `tcp:instance-${number}:1`,
      randomName: () => `${number}-${random.bits().toString(36)}`,
    });
    const parts = {
      database: client,
      membership: this.membership,
      appender: new Appender(client, time, logger),
      tenures: new Tenures(client, time, logger),
      processors: namesOf(settings.processorCount),
      capacity: settings.capacity,
      checkpointBytes: settings.segmentBytes,
      sliceRows: settings.sliceRows,
      fetchBytes: settings.fetchBytes,
      time: settings.replaysSlowly ? new SlowTime(time) : time,
      logger,
    };
    this.store = new LeaseStore(partitionCount, parts, (members) => onMembers(members.map(({ number }) => number)));
  }

  /** Becomes a member. Rejects where the database cannot be asked, or another process has the number. */
  static async open(parts: VirtualLeaseParts): Promise<VirtualLease> {
    const { process, database, signal } = parts;
    const client = database.client(process);
    const { partitionCount } = await client.layout();
    const lease = new VirtualLease(partitionCount, client, parts);
    await lease.store.open(signal);
    const tidy = (): void => {
      client.tidy().catch(() => {});
      process.awaited.after(TIDY_MS, tidy);
    };
    process.awaited.after(TIDY_MS, tidy);
    return lease;
  }
}
