import type { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import type { ProcessorGate } from "../../core/routing/processor-gate.ts";
import type { Books } from "../books.ts";
import type { ConnectionBound } from "../http/connection-bound.ts";
import type { Log } from "../log/log.ts";
import type { Meters } from "../meters/meters.ts";
import type { Custody } from "../partition/custody.ts";
import type { Durability } from "../settings/durability.ts";
import type { Fee } from "../text/fee.ts";

/** Spans the collector took, did not take, and for which there was no room. */
export type SpanCounts = { exported: number; failed: number; dropped: number };

/** The sum over the partitions that are carried here now. */
export function sumOver(custody: Custody, read: (books: Books) => number): number {
  return custody.carried().reduce((sum, { books }) => sum + read(books), 0);
}

/** All that metrics are read from. */
export type MetricsSource = {
  custody: Custody;
  /** Of the processors, by number. */
  ways: { readonly gates: readonly ProcessorGate[] };
  health: HealthSnapshot;
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
