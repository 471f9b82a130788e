import type { Logger } from "pino";
import type { Time } from "../system/time.ts";
import type { Appender } from "./appender.ts";
import type { Database } from "./database.ts";
import type { Membership } from "./membership.ts";
import type { Projection } from "./projection.ts";
import type { Tenures } from "./tenures.ts";

/** What a store by lease works with. */
export type LeaseStoreParts = {
  database: Database;
  membership: Membership;
  appender: Appender;
  tenures: Tenures;
  /** The processors' names, in the order of their numbers. */
  processors: readonly string[];
  /** Payments that a partition has room for at least. */
  capacity: number;
  /** What is kept up from the logs, if anything is. */
  projection?: Projection | undefined;
  /** See SliceWriter. */
  checkpointBytes: number;
  /** Payments in a slice of a checkpoint at most, and bytes asked for at once; else as many as are good for speed. */
  sliceRows?: number | undefined;
  fetchBytes?: number | undefined;
  time: Time;
  logger: Logger;
};
