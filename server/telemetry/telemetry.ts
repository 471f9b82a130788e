import type { Log } from "../log/log.ts";
import { Meters } from "../meters/meters.ts";
import type { Config } from "../settings/config.ts";
import { EventLoopDelay } from "./event-loop-delay.ts";
import type { Metrics } from "./metrics.ts";
import type { MetricsSource } from "./metrics-source.ts";
import type { Tracing } from "./tracing.ts";

type TelemetrySource = Omit<MetricsSource, "meters" | "spans" | "threadReplacements"> & {
  monitor: { readonly replacedCount: number };
};

/** All that watches an instance. What takes memory is loaded only where it is asked for. */
export class Telemetry {
  readonly meters: Meters;
  /** Undefined: nothing is traced. */
  readonly tracing: Tracing | undefined;
  readonly #eventLoopDelay: EventLoopDelay;
  #metrics: Metrics | undefined;

  private constructor(processorCount: number, tracing: Tracing | undefined) {
    this.meters = new Meters(processorCount);
    this.#eventLoopDelay = new EventLoopDelay(this.meters.eventLoopDelay);
    this.tracing = tracing;
  }

  static async open({ tracing, ...config }: Config, log: Log): Promise<Telemetry> {
    if (tracing === undefined) return new Telemetry(config.processors.length, undefined);
    const loaded = await import("./tracing.ts");
    return new Telemetry(config.processors.length, new loaded.Tracing(log.logger, tracing, config));
  }

  /** To be called before anybody is served: loading takes 10 ms and 2 MB. */
  async openMetrics({ monitor, ...source }: TelemetrySource): Promise<Metrics> {
    const loaded = await import("./metrics.ts");
    const { tracing, meters } = this;
    const threadReplacements = () => ({
      health_monitor: monitor.replacedCount,
      ...(tracing && { trace_sender: tracing.senderReplacedCount }),
    });
    this.#metrics = new loaded.Metrics({ ...source, meters, spans: () => tracing?.counts, threadReplacements });
    return this.#metrics;
  }

  async close(): Promise<void> {
    this.#metrics?.close();
    this.#eventLoopDelay.stop();
    await this.tracing?.close();
  }
}
