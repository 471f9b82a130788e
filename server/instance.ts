import type { TemplatedApp } from "uWebSockets.js";
import { randomInt } from "node:crypto";
import { Engine } from "../core/engine.ts";
import { HealthSnapshot } from "../core/health-snapshot.ts";
import { PROCESSOR_COUNT, PROCESSOR_NAMES } from "../core/payment.ts";
import { formatAddress, healthAddress } from "./address.ts";
import { SlewedClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { Dispatcher } from "./dispatcher.ts";
import { GroupCommit } from "./group-commit.ts";
import { HealthMonitor } from "./health/monitor.ts";
import { refuseUnknown, serveAdmin } from "./http/admin-api.ts";
import { REFUSAL_DETAILS } from "./http/payment-ack.ts";
import { PublicApi } from "./http/public-api.ts";
import { Storage, type Surroundings } from "./journal/storage.ts";
import { serveLink } from "./link/link-api.ts";
import { Peers } from "./link/peers.ts";
import { Listener } from "./listener.ts";
import { LivePage } from "./live/live-page.ts";
import { takeReading } from "./live/reading.ts";
import type { Log } from "./log.ts";
import { NameLookup } from "./name-lookup.ts";
import { ownersByLastByte } from "./ownership.ts";
import { PaymentService } from "./payment-service.ts";
import { readiness } from "./readiness.ts";
import { RealDisk } from "./real-disk.ts";
import { holdRestored } from "./restored/hold.ts";
import { RestoredStart } from "./restored/restored-start.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { RealTime } from "./time.ts";

/** How long clients that are connected may still be answered 503 after the requests in flight are done. */
const REFUSING_MS = 100;

type Parts = {
  log: Log;
  service: PaymentService;
  dispatcher: Dispatcher;
  names: NameLookup;
  restored: RestoredStart | undefined;
  peers: Peers;
  monitor: HealthMonitor;
  page: LivePage | undefined;
  listeners: readonly Listener[];
  storage: Storage | undefined;
  telemetry: Telemetry;
  shutdownGraceMs: number;
};

/** One running instance: everything it holds is opened in `start` and closed in `stop`. */
export class Instance {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Rejects when an address cannot be had. `onCrash` is called when a part that must not end has ended. */
  static async start(config: Config, log: Log, onCrash: (error: Error) => void): Promise<Instance> {
    const { instance, links, processorUrls, shutdownGraceMs } = config;
    const health = new HealthSnapshot(PROCESSOR_COUNT);
    const engine = new Engine(health, { ...config, seed: randomInt(2 ** 32) | 0 });
    const time = new RealTime();
    const storage = await openStorage(config, engine, { disk: new RealDisk(), time, logger: log.logger }, onCrash);
    const telemetry = await Telemetry.open(config, engine, log);
    const { meters, tracing } = telemetry;
    const clock = new SlewedClock(time, storage?.latestMs, (stepMs) => {
      meters.clockStepCount++;
      log.logger.warn({ stepMs }, "the wall clock was set: time follows it slowly");
    });
    const commit = new GroupCommit(engine, storage?.journal, config.durability === "fsync", log.logger, meters.journal);
    storage?.maintain(engine, commit, meters.journal);
    const mark = storage && holdRestored(config, engine, storage, clock.nowMs());
    engine.resume(clock.nowMs(), storage?.latestMs);
    const names = new NameLookup();
    const dispatcher = new Dispatcher(engine, clock, commit, log, meters, { ...config, names, tracing });
    const restored = mark && new RestoredStart({ ...config, engine, clock, commit, log, meters, mark, names, tracing });
    const service = new PaymentService(engine, clock, commit, meters, log, tracing);
    commit.wake();
    const peers = new Peers(links, instance, config.linkTimeoutMs);
    const monitor = await HealthMonitor.start(
      {
        self: instance,
        addresses: links.map(healthAddress),
        processorUrls: processorUrls.map((url) => url.href),
        snapshot: health.buffer,
        names,
        onPoll: tracing && ((report) => tracing.polled(report)),
      },
      onCrash,
    );
    const metrics = config.metricsEnabled
      ? await telemetry.openMetrics({ engine, health, clock, commit, log, ...config })
      : undefined;

    const owners = ownersByLastByte(Math.max(links.length, 1));
    const reportReadiness = () => {
      const journal = { durability: config.durability, writable: !commit.isFailing };
      const refusal = service.refusal && REFUSAL_DETAILS[service.refusal];
      return readiness(engine, health, peers, instance, journal, refusal);
    };
    const api = new PublicApi(service, peers, reportReadiness, meters, { ...config, self: instance, owners });
    const ownReading = async () => JSON.stringify(await takeReading(service, health, meters));
    const page = config.page ? new LivePage(peers, ownReading, config) : undefined;
    const registerPublic = (app: TemplatedApp): void => {
      api.register(app);
      page?.register(app);
    };
    const listeners = await openListeners(config, registerPublic, (app) => serveAdmin(app, log, metrics));
    const link = links[instance];
    if (link) {
      const options = { self: instance, owners, maxBodyBytes: config.maxBodyBytes };
      listeners.push(await Listener.open(link, (app) => serveLink(app, service, ownReading, options)));
    }
    log.logger.info({ listen: formatAddress(config.listen), profile: config.profile }, "listening");
    return new Instance({
      log,
      service,
      dispatcher,
      names,
      restored,
      peers,
      monitor,
      page,
      listeners,
      storage,
      telemetry,
      shutdownGraceMs,
    });
  }

  /** Refuses new payments, lets what is in flight finish within the grace time, then closes everything. */
  async stop(): Promise<void> {
    const { log, service, dispatcher, restored, names, peers, monitor, page, listeners, storage, telemetry } =
      this.#parts;
    log.logger.info("stopping");
    service.beginClosing();
    restored?.close();
    await dispatcher.close(this.#parts.shutdownGraceMs);
    await new Promise((resolve) => setTimeout(resolve, REFUSING_MS));
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

/** The public API's listener, and the operators' where it has one of its own. */
async function openListeners(
  { listen, adminListen }: Config,
  registerPublic: (app: TemplatedApp) => void,
  registerAdmin: (app: TemplatedApp) => void,
): Promise<Listener[]> {
  if (adminListen) {
    const admin = await Listener.open(adminListen, (app) => {
      registerAdmin(app);
      refuseUnknown(app);
    });
    return [admin, await Listener.open(listen, registerPublic)];
  }
  const registerAll = (app: TemplatedApp): void => {
    registerAdmin(app);
    registerPublic(app);
  };
  return [await Listener.open(listen, registerAll)];
}

/** The journal, unless it was asked to do without. */
async function openStorage(
  config: Config,
  engine: Engine,
  surroundings: Surroundings,
  onBroken: (error: Error) => void,
): Promise<Storage | undefined> {
  const { durability, dataDir, instance, segmentBytes, links } = config;
  if (durability === "none") {
    surroundings.logger.warn("durability is none: accepted payments do not survive the end of this process");
    return undefined;
  }
  return Storage.open(engine, surroundings, {
    dataDir,
    partition: instance,
    partitionCount: Math.max(links.length, 1),
    processors: PROCESSOR_NAMES,
    segmentBytes,
    syncs: durability === "fsync",
    onBroken,
  });
}
