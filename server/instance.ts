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
import { LivePage } from "./live/live-page.ts";
import { takeReading } from "./live/reading.ts";
import type { Log } from "./log.ts";
import { ownersByLastByte } from "./ownership.ts";
import { PaymentService } from "./payment-service.ts";
import { readiness } from "./readiness.ts";
import { Meters } from "./telemetry/meters.ts";

/** How long clients that are connected may still be answered 503 after the requests in flight are done. */
const REFUSING_MS = 100;

/** One running instance: everything it holds is opened in `start` and closed in `stop`. */
export class Instance {
  readonly #log: Log;
  readonly #service: PaymentService;
  readonly #dispatcher: Dispatcher;
  readonly #peers: Peers;
  readonly #monitor: HealthMonitor;
  readonly #page: LivePage | undefined;
  readonly #listeners: readonly Listener[];
  readonly #storage: Storage | undefined;
  readonly #shutdownGraceMs: number;

  private constructor(
    log: Log,
    service: PaymentService,
    dispatcher: Dispatcher,
    peers: Peers,
    monitor: HealthMonitor,
    page: LivePage | undefined,
    listeners: readonly Listener[],
    storage: Storage | undefined,
    shutdownGraceMs: number,
  ) {
    this.#log = log;
    this.#service = service;
    this.#dispatcher = dispatcher;
    this.#peers = peers;
    this.#monitor = monitor;
    this.#page = page;
    this.#listeners = listeners;
    this.#storage = storage;
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
    const dispatcher = new Dispatcher(engine, clock, commit, log.logger, meters.attempts, config);
    const service = new PaymentService(engine, clock, commit, meters);
    commit.wake();
    const peers = new Peers(config.links, config.instance, config.linkTimeoutMs);
    const owners = ownersByLastByte(Math.max(config.links.length, 1));
    const report = () => {
      const journal = { durability: config.durability, writable: !commit.isFailing };
      return readiness(engine, health, peers, config.instance, journal, service.refusal);
    };
    const api = new PublicApi(service, peers, report, meters, { ...config, self: config.instance, owners });
    const monitor = await HealthMonitor.start(
      {
        self: config.instance,
        addresses: config.links.map(healthAddress),
        processorUrls: config.processorUrls.map((url) => url.href),
        snapshot: health.buffer,
      },
      onCrash,
    );
    const ownReading = async () => JSON.stringify(await takeReading(service, health, meters));
    const page = config.page ? new LivePage(peers, ownReading, config) : undefined;
    const open = await Listener.open(config.listen, (app) => {
      api.register(app);
      page?.register(app);
    });
    const listeners = [open];
    const link = config.links[config.instance];
    if (link) {
      const options = { self: config.instance, owners, maxBodyBytes: config.maxBodyBytes };
      listeners.push(await Listener.open(link, (app) => serveLink(app, service, ownReading, options)));
    }
    log.logger.info({ listen: formatAddress(config.listen), profile: config.profile }, "listening");
    return new Instance(log, service, dispatcher, peers, monitor, page, listeners, storage, config.shutdownGraceMs);
  }

  /** Refuses new payments, lets what is in flight finish within the grace time, then closes everything. */
  async stop(): Promise<void> {
    this.#log.logger.info("stopping");
    this.#service.beginClosing();
    await this.#dispatcher.close(this.#shutdownGraceMs);
    await new Promise((resolve) => setTimeout(resolve, REFUSING_MS));
    for (const listener of this.#listeners) listener.close();
    await Promise.all([this.#page?.close(), this.#peers.close(), this.#monitor.stop()]);
    this.#service.flush();
    await this.#storage?.close();
    this.#log.logger.info("stopped");
    this.#log.close();
  }
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
