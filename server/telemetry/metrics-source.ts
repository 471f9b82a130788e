import type { Engine } from "../../core/engine.ts";
import type { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import type { ConnectionBound } from "../http/connection-bound.ts";
import type { Log } from "../log/log.ts";
import type { Meters } from "../meters/meters.ts";
import type { Durability } from "../settings/durability.ts";
import type { Fee } from "../text/fee.ts";
import type { SlewedClock } from "../turn/clock.ts";
import type { GroupCommit } from "../turn/group-commit.ts";

/** Spans the collector took, did not take, and for which there was no room. */
export type SpanCounts = { exported: number; failed: number; dropped: number };

/** All that metrics are read from. */
export type MetricsSource = {
  engine: Engine;
  health: HealthSnapshot;
  clock: SlewedClock;
  commit: GroupCommit;
  meters: Meters;
  log: Log;
  durability: Durability;
  profile: string;
  /** By processor. */
  processors: readonly { fee: Fee }[];
  /** What became of spans, where something is traced. */
  spans: () => SpanCounts | undefined;
  /** By thread, how many times it had to be replaced. */
  threadReplacements: () => Readonly<Record<string, number>>;
  /** By who connects. */
  connections: Readonly<Record<string, ConnectionBound>>;
};
