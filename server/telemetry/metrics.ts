import type { Engine } from "../../core/engine.ts";
import type { HealthSnapshot } from "../../core/health-snapshot.ts";
import type { SlewedClock } from "../clock.ts";
import type { Durability, GroupCommit } from "../group-commit.ts";
import type { Log } from "../log.ts";
import type { Fee } from "./fee.ts";
import { registerJournal } from "./journal-metrics.ts";
import type { Meters } from "./meters.ts";
import { registerPayments } from "./payment-metrics.ts";
import { registerProcessors } from "./processor-metrics.ts";
import { newRegistry, Readings, type Registry } from "./readings.ts";
import { RuntimeMetrics } from "./runtime-metrics.ts";

/** All that metrics are read from. */
/** Spans the collector took, did not take, and for which there was no room. */
export type SpanCounts = { exported: number; failed: number; dropped: number };

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
  fees: readonly Fee[];
  /** What became of spans, where something is traced. */
  spans: () => SpanCounts | undefined;
};

/**
 * What this instance exports to Prometheus. Nothing here is touched while payments go through: a scrape reads the meters and the engine.
 * Which instance it is, Prometheus knows from where it scraped.
 */
export class Metrics {
  readonly #registry: Registry = newRegistry();
  readonly #runtime: RuntimeMetrics;

  constructor(source: MetricsSource) {
    const ours = new Readings(this.#registry, "rinha_");
    registerPayments(ours, source);
    registerProcessors(ours, source);
    registerJournal(ours, source);
    ours.counter(
      "log_lines_dropped_total",
      "Log lines lost because nobody read the log in time.",
      () => source.log.droppedCount,
    );
    ours.counter(
      "clock_steps_total",
      "Times that the wall clock was set by more than a second while this process ran.",
      () => source.meters.clockStepCount,
    );
    ours.counters("trace_spans_total", "Spans by what became of them; none where nothing is traced.", ["result"], () =>
      Object.entries(source.spans() ?? {}).map(([result, value]) => ({ labels: { result }, value })),
    );
    const { profile, durability } = source;
    ours.gauges("instance_info", "Always 1; how this instance was started.", ["profile", "durability"], () => [
      { labels: { profile, durability }, value: 1 },
    ]);
    this.#runtime = new RuntimeMetrics(this.#registry, source.meters.eventLoopDelay);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything in the Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  close(): void {
    this.#runtime.close();
  }
}
