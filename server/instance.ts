import { randomInt } from "node:crypto";
import { Engine } from "../core/engine.ts";
import { HealthSnapshot } from "../core/health-snapshot.ts";
import { PROCESSOR_COUNT } from "../core/payment.ts";
import { formatAddress, healthAddress } from "./address.ts";
import { SlewedClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { Dispatcher } from "./dispatcher.ts";
import { GroupCommit } from "./group-commit.ts";
import { HealthMonitor } from "./health/monitor.ts";
import { PublicApi } from "./http/public-api.ts";
import { Storage } from "./journal/storage.ts";
import { serveLink } from "./link/link-api.ts";
import { Peers } from "./link/peers.ts";
import { Listener } from "./listener.ts";
import type { Log } from "./log.ts";
import { ownersByLastByte } from "./ownership.ts";
import { PaymentService } from "./payment-service.ts";
import { readiness } from "./readiness.ts";
import type { Tracing } from "./telemetry/tracing.ts";

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
  readonly #storage: Storage | undefined;
  readonly #tracing: Tracing | undefined;
  readonly #shutdownGraceMs: number;

  private constructor(
    log: Log,
    service: PaymentService,
    dispatcher: Dispatcher,
    peers: Peers,
    monitor: HealthMonitor,
    listeners: readonly Listener[],
    storage: Storage | undefined,
    tracing: Tracing | undefined,
    shutdownGraceMs: number,
  ) {
    this.#log = log;
    this.#service = service;
    this.#dispatcher = dispatcher;
    this.#peers = peers;
    this.#monitor = monitor;
    this.#listeners = listeners;
    this.#storage = storage;
    this.#tracing = tracing;
    this.#shutdownGraceMs = shutdownGraceMs;
  }

  /** Rejects when an address cannot be had. `onCrash` is called when a part that must not end has ended. */
  static async start(config: Config, log: Log, onCrash: (error: Error) => void): Promise<Instance> {
    const health = new HealthSnapshot(PROCESSOR_COUNT);
    const engine = new Engine(health, { ...config, seed: randomInt(2 ** 32) | 0 });
    const storage = await openStorage(config, engine, log);
    const clock = new SlewedClock(storage?.latestMs);
    const commit = new GroupCommit(engine, storage?.journal, config.durability === "fsync", log.logger);
    storage?.maintain(engine, commit, log.logger);
    engine.resume(clock.nowMs());
    const tracing = await openTracing(config, engine, log);
    const dispatcher = new Dispatcher(engine, clock, commit, log.logger, { ...config, tracing });
    const service = new PaymentService(engine, clock, commit, tracing);
    commit.wake();
    const peers = new Peers(config.links, config.instance, config.linkTimeoutMs);
    const owners = ownersByLastByte(Math.max(config.links.length, 1));
    const report = () => {
      const journal = { durability: config.durability, writable: !commit.isFailing };
      return readiness(engine, health, peers, config.instance, journal, service.refusal);
    };
    const api = new PublicApi(service, peers, report, { ...config, self: config.instance, owners });
    const monitor = await HealthMonitor.start(
      {
        self: config.instance,
        addresses: config.links.map(healthAddress),
        processorUrls: config.processorUrls.map((url) => url.href),
        snapshot: health.buffer,
        onPoll: tracing && ((report) => tracing.polled(report)),
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
    return new Instance(log, service, dispatcher, peers, monitor, listeners, storage, tracing, config.shutdownGraceMs);
  }

  /** Refuses new payments, lets what is in flight finish within the grace time, then closes everything. */
  async stop(): Promise<void> {
    this.#log.logger.info("stopping");
    this.#service.beginClosing();
    await this.#dispatcher.close(this.#shutdownGraceMs);
    await new Promise((resolve) => setTimeout(resolve, REFUSING_MS));
    for (const listener of this.#listeners) listener.close();
    await Promise.all([this.#peers.close(), this.#monitor.stop()]);
    this.#service.flush();
    await this.#storage?.close();
    await this.#tracing?.close();
    this.#log.logger.info("stopped");
    this.#log.close();
  }
}

/** The OpenTelemetry packages take memory, so they are loaded only where something is traced. */
async function openTracing({ tracing, ...config }: Config, engine: Engine, log: Log): Promise<Tracing | undefined> {
  if (tracing === undefined) return undefined;
  const { Tracing } = await import("./telemetry/tracing.ts");
  return new Tracing(engine, log.logger, tracing, config);
}

/** The journal, unless it was asked to do without. */
async function openStorage(config: Config, engine: Engine, log: Log): Promise<Storage | undefined> {
  const { durability, dataDir, instance, segmentBytes, links } = config;
  if (durability === "none") {
    log.logger.warn("durability is none: accepted payments do not survive the end of this process");
    return undefined;
  }
  const options = {
    dataDir,
    instance,
    instanceCount: Math.max(links.length, 1),
    segmentBytes,
    syncs: durability === "fsync",
  };
  return Storage.open(engine, log.logger, options);
}
