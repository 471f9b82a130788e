import { type InstanceParts, openInstance } from "./instance-parts.ts";
import type { Log } from "./log/log.ts";
import { Opening } from "./opening.ts";
import type { Config } from "./settings/config.ts";

/** How long clients that are connected may still be answered 503 after the requests in flight are done. */
const REFUSING_MS = 100;

/** One running instance: everything it holds is opened in `start` and closed in `stop`. */
export class Instance {
  readonly #parts: InstanceParts;

  private constructor(parts: InstanceParts) {
    this.#parts = parts;
  }

  /**
   * Rejects, having closed what was opened, when an address cannot be had or `signal` is aborted meanwhile. `onBroken`
   * is called when the journal cannot be trusted any more.
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

  /** Refuses new payments, lets what is in flight finish within the grace time, then closes everything. */
  async stop(): Promise<void> {
    const { log, service, sending, restored, names, peers, neighbours } = this.#parts;
    const { monitor, page, listeners, storage, telemetry } = this.#parts;
    log.logger.info("stopping");
    service.beginClosing();
    restored?.close();
    sending.ticking.close();
    await sending.dispatcher.close(this.#parts.shutdownGraceMs);
    await new Promise((resolve) => setTimeout(resolve, REFUSING_MS));
    neighbours.close();
    for (const listener of listeners) listener.close();
    await Promise.all([page?.close(), peers.close(), monitor.stop()]);
    names.close();
    service.flush();
    await storage?.close();
    await telemetry.close();
    log.logger.info("stopped");
    log.close();
  }
}
