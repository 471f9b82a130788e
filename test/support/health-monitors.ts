import { pino } from "pino";
import { HealthSnapshot, minResponseMs, pollStamp } from "../../core/routing/health-snapshot.ts";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import { HealthMonitor } from "../../server/health/monitor.ts";
import type { RegisterUrls } from "../../server/health/register-urls.ts";
import { NameLookup } from "../../server/system/name-lookup.ts";

/** A real health monitor, in its thread, of a deployment of its own. */
export class LoneMonitor {
  readonly lines: string[] = [];
  readonly #snapshot: HealthSnapshot;
  readonly #names = new NameLookup();
  #monitor: HealthMonitor | undefined;

  private constructor(processorCount: number) {
    this.#snapshot = new HealthSnapshot(processorCount);
  }

  static async start(processors: readonly { name: string; url: string }[], urls: RegisterUrls): Promise<LoneMonitor> {
    const lone = new LoneMonitor(processors.length);
    const logger = pino({ level: "debug" }, { write: (line: string) => void lone.lines.push(line) });
    const options = {
      ...urls,
      self: 0,
      addresses: [],
      processors: processors.map(({ name, url }) => ({ name, url, headers: [], tls: undefined })),
      snapshot: lone.#snapshot.buffer,
      names: lone.#names,
    };
    lone.#monitor = new HealthMonitor(options, logger);
    await lone.#monitor.start();
    return lone;
  }

  /** The least response times that it knows, 0 where it knows nothing. */
  get knownMs(): number[] {
    return this.#words.map(minResponseMs);
  }

  /** Change with every poll. */
  get stamps(): number[] {
    return this.#words.map(pollStamp);
  }

  async stop(): Promise<void> {
    await this.#monitor?.stop();
    this.#names.close();
  }

  get #words(): number[] {
    const { length } = new Int32Array(this.#snapshot.buffer);
    return Array.from({ length }, (_, processor) => this.#snapshot.read(processor));
  }
}

/** Two simulated processors with the contest's limit of a call in five seconds. */
export async function startProcessors(): Promise<(RunningProcessor & { name: string })[]> {
  const names = ["default", "fallback"];
  return Promise.all(names.map(async (name) => Object.assign(await startProcessor(), { name })));
}

/** The least time between two calls of a processor's health endpoint, over all of them. */
export function leastGapMs(processors: readonly RunningProcessor[]): number {
  const gaps = processors.flatMap(({ healthArrivals }) => {
    const atMs = healthArrivals.recent();
    return atMs.slice(1).map((at, i) => at - atMs[i]!);
  });
  return Math.min(Number.POSITIVE_INFINITY, ...gaps);
}
