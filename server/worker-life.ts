import { Worker, type WorkerOptions } from "node:worker_threads";
import type { Logger } from "pino";

/** Before a thread that ended is replaced; doubles with every replacement, until one has lived for long. */
const REPLACE_AFTER_MS = 1000;
const REPLACE_AFTER_MS_MAX = 30_000;
const LONG_LIFE_MS = 60_000;

export type WorkerPlan = {
  /** As the log has it. */
  name: string;
  url: URL;
  /** What a thread is given; asked for every new one. */
  newOptions: () => Pick<WorkerOptions, "workerData" | "transferList" | "env">;
  /** Bounds of its heap in megabytes; a thread that outgrows them ends. */
  heapMb: number;
  youngHeapMb: number;
  onMessage: (message: unknown) => void;
  /** It has ended and was not asked to, for this reason; another will take its place. */
  onDeath?: (reason: string) => void;
};

/**
 * A worker thread that must not be missing: when it ends by itself it is replaced, and the service goes on meanwhile.
 */
export class WorkerLife {
  /** How many times a thread has been replaced. */
  replacedCount = 0;
  readonly #plan: WorkerPlan;
  readonly #logger: Logger;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: Promise<void> = Promise.resolve();
  #replaceAfterMs = REPLACE_AFTER_MS;
  #isStopping = false;

  constructor(plan: WorkerPlan, logger: Logger) {
    this.#plan = plan;
    this.#logger = logger;
    this.#begin();
  }

  /** False when there is no thread just now. */
  post(message: unknown): boolean {
    this.#worker?.postMessage(message);
    return this.#worker !== undefined;
  }

  /** Ends the thread for good: within `graceMs` it may do so by itself, when told `farewell`. */
  async stop(farewell?: unknown, graceMs = 0): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === undefined) return;
    if (farewell !== undefined) worker.postMessage(farewell);
    const timer = setTimeout(() => void worker.terminate(), graceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #begin(): void {
    const { url, newOptions, heapMb, youngHeapMb, onMessage } = this.#plan;
    const beganAtMs = performance.now();
    const worker = new Worker(url, {
      ...newOptions(),
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: youngHeapMb },
    });
    let reason = "it has ended by itself";
    worker.on("message", onMessage);
    worker.on("error", (error) => {
      reason = error.message;
    });
    this.#worker = worker;
    this.#ended = new Promise((resolve) => {
      // Follows an error too.
      worker.once("exit", () => {
        this.#worker = undefined;
        resolve();
        if (!this.#isStopping) this.#died(reason, performance.now() - beganAtMs);
      });
    });
  }

  #died(reason: string, livedMs: number): void {
    if (livedMs > LONG_LIFE_MS) this.#replaceAfterMs = REPLACE_AFTER_MS;
    const replacedInMs = this.#replaceAfterMs;
    this.#replaceAfterMs = Math.min(2 * replacedInMs, REPLACE_AFTER_MS_MAX);
    this.#logger.error({ thread: this.#plan.name, reason, replacedInMs }, "a thread has died and will be replaced");
    this.#timer = setTimeout(() => {
      this.replacedCount++;
      this.#begin();
    }, replacedInMs);
    this.#plan.onDeath?.(reason);
  }
}
