import { randomUUID } from "node:crypto";
import { JournalStore } from "./journal/journal-store.ts";
import { Appender } from "./lease/appender.ts";
import type { LeaseStore } from "./lease/lease-store.ts";
import { Membership } from "./lease/membership.ts";
import type { Projection } from "./lease/projection.ts";
import { Tenures } from "./lease/tenures.ts";
import type { FixedRoster, MemberRoster } from "./link/roster.ts";
import type { Log } from "./log/log.ts";
import type { Opening } from "./opening.ts";
import type { PostgresDatabase } from "./postgres/postgres-database.ts";
import type { Config } from "./settings/config.ts";
import type { StoreSettings } from "./settings/store-settings.ts";
import { type Store, usualPartitionCount } from "./store/store.ts";
import { VolatileStore } from "./store/volatile-store.ts";
import { formatAddress } from "./system/address.ts";
import { RealDisk } from "./system/real-disk.ts";
import type { Time } from "./system/time.ts";

/** A checkpoint is due after so much log: what a take-over has to read. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** Payments of all instances stand in the same windows, so their clocks must agree, to seconds. */
const CLOCK_DIFFERENCE_MS_MAX = 60_000;

export type StoreSurroundings = {
  config: Config;
  log: Log;
  time: Time;
  roster: FixedRoster | MemberRoster;
  opening: Opening;
};

/** The store that the configuration asks for; `opening` keeps what has to be closed. */
export async function openStore(surroundings: StoreSurroundings): Promise<Store> {
  const { config } = surroundings;
  if (config.store) return await openLeaseStore(surroundings, config.store);
  return config.durability === "none" ? openVolatileStore(surroundings) : await openJournalStore(surroundings);
}

function openVolatileStore({ config, log }: StoreSurroundings): VolatileStore {
  log.logger.warn("durability is none: accepted payments do not survive the end of this process");
  return new VolatileStore(config.partitions ?? usualPartitionCount(Math.max(config.links.length, 1)), config.capacity);
}

function openJournalStore({ config, log, time }: StoreSurroundings): Promise<JournalStore> {
  const { durability, dataDir, partitions: partitionCount, capacity, segmentBytes, links } = config;
  return JournalStore.open(
    { disk: new RealDisk(), time, logger: log.logger },
    {
      dataDir,
      partitionCount,
      instanceCount: Math.max(links.length, 1),
      capacity,
      processors: namesOf(config),
      segmentBytes,
      syncs: durability === "fsync",
    },
  );
}

async function openLeaseStore(
  { config, log: { logger }, time, roster, opening }: StoreSurroundings,
  { url, link, hasPaymentTable }: StoreSettings,
): Promise<LeaseStore> {
  // Loaded only where there is such a store: its client is no small part of a start.
  const { LeaseStore } = await import("./lease/lease-store.ts");
  const database = await openDatabase(url, time, logger, opening);
  const { partitionCount } = await database.layout();
  const address = formatAddress(link);
  const membership = new Membership({ database, time, logger, number: config.instance, address, randomName });
  const appender = new Appender(database, time, logger);
  const tenures = new Tenures(database, time, logger);
  const processors = namesOf(config);
  const { capacity } = config;
  const projection = await projectionOn(database, hasPaymentTable, time, logger);
  const parts = { database, membership, appender, tenures, processors, capacity, projection, time, logger };
  const store = new LeaseStore(partitionCount, { ...parts, checkpointBytes: CHECKPOINT_BYTES }, (members) => {
    if ("set" in roster) roster.set(members);
  });
  opening.keep(store, (part) => part.close());
  await store.open(opening.signal);
  return store;
}

async function projectionOn(
  database: PostgresDatabase,
  hasPaymentTable: boolean,
  time: Time,
  logger: Log["logger"],
): Promise<Projection> {
  const { PaymentProjector } = await import("./payment-table/projector.ts");
  const { PaymentTableOff } = await import("./payment-table/table-off.ts");
  const table = database.payments;
  return hasPaymentTable ? new PaymentProjector({ database, table, time, logger }) : new PaymentTableOff(table, logger);
}

async function openDatabase(
  url: string,
  time: Time,
  logger: Log["logger"],
  opening: Opening,
): Promise<PostgresDatabase> {
  const { PostgresDatabase } = await import("./postgres/postgres-database.ts");
  const { readStoreUrl } = await import("./postgres/store-url.ts");
  const database = opening.keep(new PostgresDatabase(readStoreUrl(url)), (part) => part.close());
  const { refusals, warnings } = await database.checkServer();
  if (refusals.length > 0) throw new Error(`the store must keep what it acknowledges: ${refusals.join("; ")}`);
  for (const warning of warnings) logger.warn({ store: warning }, "the store may lose what it acknowledges");
  const { nowMs } = await database.layout();
  const differenceMs = Math.round(time.wallMs() - nowMs);
  if (Math.abs(differenceMs) > CLOCK_DIFFERENCE_MS_MAX)
    throw new Error(`this machine's clock must agree with the store's within a minute: differenceMs=${differenceMs}`);
  return database;
}

function namesOf({ processors }: Config): string[] {
  return processors.map(({ name }) => name);
}

function randomName(): string {
  return randomUUID();
}
