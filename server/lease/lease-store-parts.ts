import type { Logger } from "pino";
import type { Time } from "../system/time.ts";
import type { Appender } from "./appender.ts";
import type { Database } from "./database.ts";
import type { Membership } from "./membership.ts";

/** What a store by lease works with. */
export type LeaseStoreParts = {
  database: Database;
  membership: Membership;
  appender: Appender;
  /** The processors' names, in the order of their numbers. */
  processors: readonly string[];
  /** Payments that a partition has room for at least. */
  capacity: number;
  /** See SliceWriter. */
  checkpointBytes: number;
  time: Time;
  logger: Logger;
};
