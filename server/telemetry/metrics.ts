import type { ConnectionBound } from "../http/connection-bound.ts";
import { registerDoubts } from "./doubt-metrics.ts";
import { registerJournal } from "./journal-metrics.ts";
import type { MetricsSource } from "./metrics-source.ts";
import { registerPartitions } from "./partition-metrics.ts";
import { registerPayments } from "./payment-metrics.ts";
import { registerProcessors } from "./processor-metrics.ts";
import { newRegistry, Readings, type Registry, type Sample } from "./readings.ts";
import { RuntimeMetrics } from "./runtime-metrics.ts";
import { registerStore } from "./store-metrics.ts";

/**
 * What this instance exports to Prometheus. Nothing here is touched while payments go through: a scrape reads the
 * meters and the engine. Which instance it is, Prometheus knows from where it scraped.
 */
export class Metrics {
  readonly #registry: Registry = newRegistry();
  readonly #runtime: RuntimeMetrics;

  constructor(source: MetricsSource) {
    const ours = new Readings(this.#registry, "rinha_");
    registerPayments(ours, source);
    registerProcessors(ours, source);
    registerDoubts(ours, source);
    registerJournal(ours, source);
    registerPartitions(ours, source);
    registerStore(ours, source);
    ours.counter(
      "log_lines_dropped_total",
      "Log lines lost because the log was not read in time.",
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
    registerParts(ours, source);
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

/** What the process itself has that may run short or die. */
function registerParts(readings: Readings, { threadReplacements, connections }: MetricsSource): void {
  readings.counters(
    "thread_replacements_total",
    "Threads that died and were replaced; the reason is in the log.",
    ["thread"],
    () => Object.entries(threadReplacements()).map(([thread, value]) => ({ labels: { thread }, value })),
  );
  const byCallers = (read: (bound: ConnectionBound) => number) => (): Sample[] =>
    Object.entries(connections).map(([callers, bound]) => ({ labels: { callers }, value: read(bound) }));
  readings.gauges(
    "connections",
    "Connections that are open, by who opened them.",
    ["callers"],
    byCallers((bound) => bound.openCount),
  );
  readings.gauges(
    "connections_max",
    "Connections that may be open; one more is closed at once.",
    ["callers"],
    byCallers((bound) => bound.max),
  );
  readings.counters(
    "connections_refused_total",
    "Connections closed at once because too many were open.",
    ["callers"],
    byCallers((bound) => bound.refusedCount),
  );
}
