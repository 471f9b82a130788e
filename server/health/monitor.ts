import { MessageChannel, Worker } from "node:worker_threads";
import type { NameLookup } from "../name-lookup.ts";
import { serveNames } from "../name-lookup-port.ts";
import type { PollReport } from "./poller.ts";
import type { HealthWorkerData } from "./worker.ts";

const STOP_TIMEOUT_MS = 1000;
/** Megabytes: the thread holds two timers and an occasional request. */
const HEAP_MB = 16;
const YOUNG_HEAP_MB = 1;

/** The health monitor, seen from the event loop: a thread that writes the shared snapshot. */
export class HealthMonitor {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /**
   * Starts the thread; rejects when it cannot listen. `onCrash` is called if it ends without having been stopped, `onPoll`, if
   * given, after every poll of this instance.
   */
  static async start(
    {
      onPoll,
      names,
      ...data
    }: Omit<HealthWorkerData, "reportsPolls" | "namesPort"> & {
      names: NameLookup;
      onPoll?: ((report: PollReport) => void) | undefined;
    },
    onCrash: (error: Error) => void,
  ): Promise<HealthMonitor> {
    const { port1, port2: namesPort } = new MessageChannel();
    serveNames(names, port1);
    const worker = new Worker(new URL("./worker.js", import.meta.url), {
      workerData: { ...data, namesPort, reportsPolls: onPoll !== undefined } satisfies HealthWorkerData,
      transferList: [namesPort],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
    });
    await new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", reject);
    });
    worker.removeAllListeners("error");
    worker.on("error", onCrash);
    if (onPoll) worker.on("message", onPoll);
    return new HealthMonitor(worker);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.postMessage("stop");
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }
}
