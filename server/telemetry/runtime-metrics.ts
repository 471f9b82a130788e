import { readdir } from "node:fs/promises";
import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { DurationHistogram } from "../meters/duration-histogram.ts";
import { openFilesMax } from "../system/descriptors.ts";
import { Readings, type Registry } from "./readings.ts";

const GC_KINDS: readonly (readonly [string, number])[] = [
  ["major", constants.NODE_PERFORMANCE_GC_MAJOR],
  ["minor", constants.NODE_PERFORMANCE_GC_MINOR],
  ["incremental", constants.NODE_PERFORMANCE_GC_INCREMENTAL],
  ["weakcb", constants.NODE_PERFORMANCE_GC_WEAKCB],
];

/**
 * Process, event loop and garbage collection, under the names that Prometheus client libraries give them. Not
 * prom-client's own collectors: those miss collections that end together, and reset the event loop's delays with every
 * scrape, whoever scrapes.
 */
export class RuntimeMetrics {
  readonly #collections = new Map(GC_KINDS.map(([, kind]) => [kind, new DurationHistogram()]));
  readonly #observer: PerformanceObserver;

  constructor(registry: Registry, eventLoopDelay: DurationHistogram) {
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        // The types lack what a gc entry has.
        const { detail, duration } = entry as PerformanceEntry & { detail: { kind: number } };
        this.#collections.get(detail.kind)?.record(duration);
      }
    });
    this.#observer.observe({ entryTypes: ["gc"] });
    registerProcess(new Readings(registry, "process_"));
    const node = new Readings(registry, "nodejs_");
    registerHeap(node);
    node.durations(
      "gc_duration_seconds",
      "Garbage collections by kind.",
      ["kind"],
      GC_KINDS.map(([kind, code]) => [{ kind }, this.#collections.get(code)!]),
    );
    node.durations(
      "eventloop_delay_seconds",
      "How late a timer of 20 ms fires, to about a millisecond.",
      [],
      [[{}, eventLoopDelay]],
    );
    node.counter("eventloop_busy_seconds_total", "Time the event loop was not idle.", () => {
      return performance.eventLoopUtilization().active / 1000;
    });
    node.gauges("version_info", "Always 1; the version of Node.js.", ["version"], () => [
      { labels: { version: process.version }, value: 1 },
    ]);
  }

  close(): void {
    this.#observer.disconnect();
  }
}

function registerProcess(readings: Readings): void {
  const startedAtS = (Date.now() - performance.now()) / 1000;
  const maxFds = openFilesMax();
  readings.counter("cpu_user_seconds_total", "User CPU time, all threads.", () => process.cpuUsage().user / 1e6);
  readings.counter("cpu_system_seconds_total", "System CPU time, all threads.", () => process.cpuUsage().system / 1e6);
  readings.counter("cpu_seconds_total", "User and system CPU time, all threads.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  readings.gauge("start_time_seconds", "Start of the process, in seconds since the epoch.", () => startedAtS);
  readings.gauge("resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  // In the background: the list is as long as there are connections.
  readings.gauge("open_fds", "Open file descriptors.", async () => (await readdir("/proc/self/fd")).length);
  readings.gauge("max_fds", "Most file descriptors that may be open.", () => maxFds);
}

function registerHeap(readings: Readings): void {
  readings.gauge("heap_size_total_bytes", "Size of the JavaScript heap.", () => process.memoryUsage().heapTotal);
  readings.gauge("heap_size_used_bytes", "JavaScript heap in use.", () => process.memoryUsage().heapUsed);
  readings.gauge(
    "external_memory_bytes",
    "Memory of typed arrays and buffers outside the heap; the ledger is here.",
    () => process.memoryUsage().external,
  );
}
