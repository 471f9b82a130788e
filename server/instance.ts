import type { TemplatedApp } from "uWebSockets.js";
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
import { refuseUnknown, serveAdmin } from "./http/admin-api.ts";
import { REFUSAL_DETAILS } from "./http/payment-ack.ts";
import { PublicApi } from "./http/public-api.ts";
import { Storage } from "./journal/storage.ts";
import { serveLink } from "./link/link-api.ts";
import { Peers } from "./link/peers.ts";
import { Listener } from "./listener.ts";
import type { Log } from "./log.ts";
import { ownersByLastByte } from "./ownership.ts";
import { PaymentService } from "./payment-service.ts";
import { readiness } from "./readiness.ts";
import { EventLoopDelay } from "./telemetry/event-loop-delay.ts";
import { Meters } from "./telemetry/meters.ts";
import type { Metrics, MetricsSource } from "./telemetry/metrics.ts";
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
  readonly #telemetry: Telemetry;
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
    telemetry: Telemetry,
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
    this.#telemetry = telemetry;
    this.#tracing = tracing;
    this.#shutdownGraceMs = shutdownGraceMs;
  }

  /** Rejects when an address cannot be had. `onCrash` is called when a part that must not end has ended. */
  static async start(config: Config, log: Log, onCrash: (error: Error) => void): Promise<Instance> {
    const health = new HealthSnapshot(PROCESSOR_COUNT);
    const engine = new Engine(health, { ...config, seed: randomInt(2 ** 32) | 0 });
    const storage = await openStorage(config, engine, log);
    const meters = new Meters();
    const clock = new SlewedClock(storage?.latestMs);
    const commit = new GroupCommit(engine, storage?.journal, config.durability === "fsync", log.logger, meters.journal);
    storage?.maintain(engine, commit, log.logger);
    engine.resume(clock.nowMs());
    const tracing = await openTracing(config, engine, log);
    const dispatcher = new Dispatcher(engine, clock, commit, log, meters, { ...config, tracing });
    const service = new PaymentService(engine, clock, commit, meters, log, tracing);
    commit.wake();
    const peers = new Peers(config.links, config.instance, config.linkTimeoutMs);
    const owners = ownersByLastByte(Math.max(config.links.length, 1));
    const report = () => {
      const journal = { durability: config.durability, writable: !commit.isFailing };
      return readiness(
        engine,
        health,
        peers,
        config.instance,
        journal,
        service.refusal && REFUSAL_DETAILS[service.refusal],
      );
    };
    const api = new PublicApi(service, peers, report, meters, { ...config, self: config.instance, owners });
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
    const telemetry = await Telemetry.start(config, { engine, health, clock, commit, meters, log, ...config });
    const listeners = await openListeners(config, api, (app) => serveAdmin(app, log, telemetry.metrics));
    if (link) {
      const options = { self: config.instance, owners, maxBodyBytes: config.maxBodyBytes };
      listeners.push(await Listener.open(link, (app) => serveLink(app, service, options)));
    }
    log.logger.info({ listen: formatAddress(config.listen), profile: config.profile }, "listening");
    return new Instance(
      log,
      service,
      dispatcher,
      peers,
      monitor,
      listeners,
      storage,
      telemetry,
      tracing,
      config.shutdownGraceMs,
    );
  }

  /** Refuses new payments, lets what is in flight finish within the grace time, then closes everything. */
  async stop(): Promise<void> {
    this.#log.logger.info("stopping");
    this.#service.beginClosing();
    await this.#dispatcher.close(this.#shutdownGraceMs);
    await new Promise((resolve) => setTimeout(resolve, REFUSING_MS));
    for (const listener of this.#listeners) listener.close();
    await Promise.all([this.#peers.close(), this.#monitor.stop()]);
    this.#telemetry.stop();
    this.#service.flush();
    await this.#storage?.close();
    await this.#tracing?.close();
    this.#log.logger.info("stopped");
    this.#log.close();
  }
}

/** The public API's listener, and the operator's where it has one of its own. */
async function openListeners(
  { listen, adminListen }: Config,
  api: PublicApi,
  registerAdmin: (app: TemplatedApp) => void,
): Promise<Listener[]> {
  if (adminListen) {
    const admin = await Listener.open(adminListen, (app) => {
      registerAdmin(app);
      refuseUnknown(app);
    });
    return [admin, await Listener.open(listen, (app) => api.register(app))];
  }
  const registerAll = (app: TemplatedApp): void => {
    registerAdmin(app);
    api.register(app);
  };
  return [await Listener.open(listen, registerAll)];
}

/** The parts of telemetry that run, and are to be stopped. */
class Telemetry {
  readonly metrics: Metrics | undefined;
  readonly #eventLoopDelay: EventLoopDelay;

  private constructor(metrics: Metrics | undefined, eventLoopDelay: EventLoopDelay) {
    this.metrics = metrics;
    this.#eventLoopDelay = eventLoopDelay;
  }

  static async start({ metricsEnabled }: Config, source: MetricsSource): Promise<Telemetry> {
    const eventLoopDelay = new EventLoopDelay(source.meters.eventLoopDelay);
    if (!metricsEnabled) return new Telemetry(undefined, eventLoopDelay);
    // Loaded only where it is wanted, and before anybody is served: it takes 10 ms and 2 MB.
    const loaded = await import("./telemetry/metrics.ts");
    return new Telemetry(new loaded.Metrics(source), eventLoopDelay);
  }

  stop(): void {
    this.metrics?.close();
    this.#eventLoopDelay.stop();
  }
}

/** The OpenTelemetry packages take memory, so they are loaded only where something is traced. */
async function openTracing({ tracing, ...config }: Config, engine: Engine, log: Log): Promise<Tracing | undefined> {
  if (tracing === undefined) return undefined;
  const { Tracing } = await import("./telemetry/tracing.ts");
  const opened = new Tracing(engine, log.logger, tracing, config);
  log.traceOf = (slot) => opened.payments.traceOf(slot);
  return opened;
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
