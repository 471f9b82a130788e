import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { Appender } from "./lease/appender.ts";
import { LeaseStore } from "./lease/lease-store.ts";
import { Membership } from "./lease/membership.ts";
import type { Projection } from "./lease/projection.ts";
import { Tenures } from "./lease/tenures.ts";
import type { StoreSurroundings } from "./open-store.ts";
import type { Opening } from "./opening.ts";
import { PaymentProjector } from "./payment-table/projector.ts";
import { PaymentTableOff } from "./payment-table/table-off.ts";
import { PostgresDatabase } from "./postgres/postgres-database.ts";
import { readStoreUrl } from "./postgres/store-url.ts";
import type { StoreSettings } from "./settings/store-settings.ts";
import { formatAddress } from "./system/address.ts";
import type { Time } from "./system/time.ts";

/** A checkpoint is due after so much log: what a take-over has to read. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** Payments of all instances stand in the same windows, so their clocks must agree, to seconds. */
const CLOCK_DIFFERENCE_MS_MAX = 60_000;

/** Becomes a member. Loaded only where there is such a store: its client is no small part of a start. */
export async function openLeaseStore(
  { config, log: { logger }, time, roster, opening }: StoreSurroundings,
  { url, link, hasPaymentTable }: StoreSettings,
): Promise<LeaseStore> {
  const database = await openDatabase(url, time, logger, opening);
  const { partitionCount } = await database.layout();
  const address = formatAddress(link);
  const membership = new Membership({
    database,
    time,
    logger,
    number: config.instance,
    address,
    randomName: randomUUID,
  });
  const appender = new Appender(database, time, logger);
  const tenures = new Tenures(database, time, logger);
  const processors = config.processors.map(({ name }) => name);
  const { capacity } = config;
  const projection = projectionOn(database, hasPaymentTable, time, logger);
  const parts = { database, membership, appender, tenures, processors, capacity, projection, time, logger };
  const store = new LeaseStore(partitionCount, { ...parts, checkpointBytes: CHECKPOINT_BYTES }, (members) => {
    if ("set" in roster) roster.set(members);
  });
  opening.keep(store, (part) => part.close());
  await store.open(opening.signal);
  return store;
}

function projectionOn(database: PostgresDatabase, hasPaymentTable: boolean, time: Time, logger: Logger): Projection {
  const table = database.payments;
  return hasPaymentTable ? new PaymentProjector({ database, table, time, logger }) : new PaymentTableOff(table, logger);
}

async function openDatabase(url: string, time: Time, logger: Logger, opening: Opening): Promise<PostgresDatabase> {
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
