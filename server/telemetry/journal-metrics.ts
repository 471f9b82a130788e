import { type MetricsSource, sumOver } from "./metrics-source.ts";
import type { Readings } from "./readings.ts";

/** The journal: what is written, how long that takes, and how far it is behind. */
export function registerJournal(readings: Readings, source: MetricsSource): void {
  registerWrites(readings, source.meters);
  registerUnwritten(readings, source);
}

function registerWrites(readings: Readings, { journal }: MetricsSource["meters"]): void {
  readings.counter("journal_records_total", "Records written.", () => journal.recordCount);
  readings.counter("journal_written_bytes_total", "Bytes of records written.", () => journal.byteCount);
  readings.counter("journal_write_failures_total", "Writes that failed.", () => journal.failedCount);
  readings.counter(
    "journal_segment_failures_total",
    "Tries to begin a new segment that failed; the journal goes on in the old one.",
    () => journal.segmentFailedCount,
  );
  readings.counter(
    "journal_checkpoint_failures_total",
    "Tries to write a checkpoint that failed; the journal grows until one is written.",
    () => journal.checkpointFailedCount,
  );
  readings.durations(
    "journal_write_duration_seconds",
    "Time of one write, which holds all records of a turn; _count is the number of writes.",
    [],
    [[{}, journal.durations]],
  );
  readings.durations(
    "journal_sync_duration_seconds",
    "Time of one fdatasync; only with DURABILITY=fsync.",
    [],
    [[{}, journal.syncs]],
  );
}

function registerUnwritten(readings: Readings, { custody }: MetricsSource): void {
  readings.gauge("journal_writable", "Whether the journals can be written: 1, or 0 while payments are refused.", () =>
    custody.carried().some(({ books }) => books.commit.isFailing) ? 0 : 1,
  );
  readings.gauge(
    "journal_unwritten_records",
    "Records decided and not yet written: those of the turn under way, or what happened while the journal fails.",
    () => sumOver(custody, ({ engine }) => engine.batch.count),
  );
  readings.gauge(
    "journal_waiting_effects",
    "Answers and requests held back until their records are as durable as asked for.",
    () => sumOver(custody, ({ commit }) => commit.waitingCount),
  );
  readings.gauge(
    "journal_lag_seconds",
    "How long the oldest unwritten record, or the oldest effect that waits for an fdatasync, has been waiting.",
    () => Math.max(0, ...custody.carried().map(({ books }) => books.commit.lagMs)) / 1000,
  );
}
