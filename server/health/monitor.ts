import { MessageChannel } from "node:worker_threads";
import type { Logger } from "pino";
import type { PollReport } from "../meters/poll-report.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import { serveNames } from "../system/name-lookup-port.ts";
import { WorkerLife, type WorkerPlan } from "../system/worker-life.ts";
import type { HealthWorkerData, RegisterNote } from "./worker.ts";

const STOP_TIMEOUT_MS = 1000;
/** Megabytes: the thread holds two timers and an occasional request; */
const HEAP_MB = 16;
/** and a client's code, of which Redis' is ten. */
const REGISTER_HEAP_MB = 32;
const YOUNG_HEAP_MB = 1;

export type MonitorOptions = Omit<HealthWorkerData, "reportsPolls" | "namesPort"> & {
  /** Looks names up for the whole process. */
  names: NameLookup;
  /** Called after every poll of this instance. */
  onPoll?: ((report: PollReport) => void) | undefined;
};

/**
 * The health monitor, seen from the event loop: a thread that writes the shared snapshot. Without it payments go by
 * what they experience themselves. A thread that takes another's place knows of no poll before it, and so makes none
 * for a while (PollRights).
 */
export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #logger: Logger;
  #life: WorkerLife | undefined;

  constructor(options: MonitorOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  /** Starts the thread. Resolves when it listens, rejects when it cannot. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const plan = planOf(this.#options, this.#logger, resolve, (reason) => reject(new Error(reason)));
      this.#life = new WorkerLife(plan, this.#logger);
    });
  }

  /** How many times the thread had to be replaced. */
  get replacedCount(): number {
    return this.#life?.replacedCount ?? 0;
  }

  async stop(): Promise<void> {
    await this.#life?.stop("stop", STOP_TIMEOUT_MS);
  }
}

function planOf(
  { onPoll, names, ...data }: MonitorOptions,
  logger: Logger,
  onReady: () => void,
  onDeath: (reason: string) => void,
): WorkerPlan {
  return {
    name: "health monitor",
    url: new URL("./worker.js", import.meta.url),
    // Every thread has a port of its own: it ends with the thread.
    newOptions: () => {
      const { port1, port2: namesPort } = new MessageChannel();
      serveNames(names, port1);
      const workerData = { ...data, namesPort, reportsPolls: onPoll !== undefined } satisfies HealthWorkerData;
      return { workerData, transferList: [namesPort] };
    },
    heapMb: data.healthUrl === undefined && data.storeUrl === undefined ? HEAP_MB : REGISTER_HEAP_MB,
    youngHeapMb: YOUNG_HEAP_MB,
    onMessage: (message) => {
      if (message === "ready") onReady();
      else if ("registerLost" in (message as object)) logStanding(message as RegisterNote, logger);
      else onPoll?.(message as PollReport);
    },
    onDeath,
  };
}

function logStanding({ registerLost }: RegisterNote, logger: Logger): void {
  if (registerLost === undefined) logger.info("the register of the rights to poll is there again");
  else logger.warn({ reason: registerLost }, "the register of the rights to poll is out of reach: nothing is polled");
}
