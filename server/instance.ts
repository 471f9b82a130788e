import { type InstanceParts, openInstance } from "./instance-parts.ts";
import type { Log } from "./log/log.ts";
import { Opening } from "./opening.ts";
import type { Config } from "./settings/config.ts";

/** How long clients that are connected may still be answered 503 after the requests in flight are done. */
const REFUSING_MS = 100;
/** Requests that wait for a partition's next carrier are answered within this. */
const WAITING_LOOK_MS = 5;

/** One running instance: everything it holds is opened in `start` and closed in `stop`. */
export class Instance {
  readonly #parts: InstanceParts;

  private constructor(parts: InstanceParts) {
    this.#parts = parts;
  }

  /**
   * Rejects, having closed what was opened, when an address cannot be had or `signal` is aborted meanwhile. `onBroken`
   * is called when a log cannot be trusted any more.
   */
  static async start(
    config: Config,
    log: Log,
    onBroken: (error: Error) => void,
    signal: AbortSignal,
  ): Promise<Instance> {
    const opening = new Opening(signal);
    try {
      return new Instance(await openInstance(config, log, onBroken, opening));
    } catch (error) {
      await opening.undo();
      throw error;
    }
  }

  /**
   * To be called once it serves: the health monitor's thread costs as much CPU as a process, and whoever waits for this
   * instance does not need it. Without it payments go by what they experience themselves, and it would make no poll for
   * seconds. Rejects when it cannot listen.
   */
  startMonitor(): Promise<void> {
    return this.#parts.monitor.start();
  }

  /**
   * Hands what it carries over to the instances that stay. What nobody takes is refused, finished within the grace time
   * as far as it is in flight, and closed.
   */
  async stop(): Promise<void> {
    const { log, store, custody, reach, names, neighbours, peers, monitor, page, listeners, telemetry } = this.#parts;
    log.logger.info("stopping");
    await custody.leave(this.#parts.shutdownGraceMs);
    while (reach.waitingCount > 0) await pause(WAITING_LOOK_MS);
    await pause(REFUSING_MS);
    for (const listener of listeners) listener.close();
    neighbours.close();
    await Promise.all([page?.close(), peers.close(), monitor.stop()]);
    await store.close?.();
    names.close();
    await telemetry.close();
    log.logger.info("stopped");
    log.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
