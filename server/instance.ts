import { randomInt } from "node:crypto";
import { Engine } from "../core/engine.ts";
import { HealthSnapshot } from "../core/health-snapshot.ts";
import { PROCESSOR_COUNT } from "../core/payment.ts";
import { formatAddress, healthAddress } from "./address.ts";
import { SlewedClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { Dispatcher } from "./dispatcher.ts";
import { HealthMonitor } from "./health/monitor.ts";
import { PublicApi } from "./http/public-api.ts";
import { serveLink } from "./link/link-api.ts";
import { Peers } from "./link/peers.ts";
import { Listener } from "./listener.ts";
import type { Log } from "./log.ts";
import { ownersByLastByte } from "./ownership.ts";
import { PaymentService } from "./payment-service.ts";
import { readiness } from "./readiness.ts";

/** How long clients that are connected may still be answered 503 after the requests in flight are done. */
const REFUSING_MS = 100;

/** One running instance: everything it holds is opened in `start` and closed in `stop`. */
export class Instance {
  readonly #log: Log;
  readonly #service: PaymentService;
  readonly #dispatcher: Dispatcher;
  readonly #peers: Peers;
  readonly #monitor: HealthMonitor;
  readonly #listeners: readonly Listener[];
  readonly #shutdownGraceMs: number;

  private constructor(
    log: Log,
    service: PaymentService,
    dispatcher: Dispatcher,
    peers: Peers,
    monitor: HealthMonitor,
    listeners: readonly Listener[],
    shutdownGraceMs: number,
  ) {
    this.#log = log;
    this.#service = service;
    this.#dispatcher = dispatcher;
    this.#peers = peers;
    this.#monitor = monitor;
    this.#listeners = listeners;
    this.#shutdownGraceMs = shutdownGraceMs;
  }

  /** Rejects when an address cannot be had. `onCrash` is called when a part that must not end has ended. */
  static async start(config: Config, log: Log, onCrash: (error: Error) => void): Promise<Instance> {
    const health = new HealthSnapshot(PROCESSOR_COUNT);
    const clock = new SlewedClock();
    const engine = new Engine(health, { ...config, seed: randomInt(2 ** 32) | 0 });
    const dispatcher = new Dispatcher(engine, clock, log.logger, config);
    const service = new PaymentService(engine, clock, dispatcher);
    const peers = new Peers(config.links, config.instance, config.linkTimeoutMs);
    const owners = ownersByLastByte(Math.max(config.links.length, 1));
    const report = () => readiness(engine, health, peers, config.instance, service.isClosing);
    const api = new PublicApi(service, peers, report, { ...config, self: config.instance, owners });
    const monitor = await HealthMonitor.start(
      {
        self: config.instance,
        addresses: config.links.map(healthAddress),
        processorUrls: config.processorUrls.map((url) => url.href),
        snapshot: health.buffer,
      },
      onCrash,
    );
    const link = config.links[config.instance];
    const listeners = [await Listener.open(config.listen, (app) => api.register(app))];
    if (link) {
      const options = { self: config.instance, owners, maxBodyBytes: config.maxBodyBytes };
      listeners.push(await Listener.open(link, (app) => serveLink(app, service, options)));
    }
    log.logger.info({ listen: formatAddress(config.listen), profile: config.profile }, "listening");
    return new Instance(log, service, dispatcher, peers, monitor, listeners, config.shutdownGraceMs);
  }

  /** Refuses new payments, lets what is in flight finish within the grace time, then closes everything. */
  async stop(): Promise<void> {
    this.#log.logger.info("stopping");
    this.#service.beginClosing();
    await this.#dispatcher.close(this.#shutdownGraceMs);
    await new Promise((resolve) => setTimeout(resolve, REFUSING_MS));
    for (const listener of this.#listeners) listener.close();
    await Promise.all([this.#peers.close(), this.#monitor.stop()]);
    this.#log.logger.info("stopped");
    this.#log.close();
  }
}
