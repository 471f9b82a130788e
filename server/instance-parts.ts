import type { TemplatedApp } from "uWebSockets.js";
import { randomInt } from "node:crypto";
import { Engine } from "../core/engine.ts";
import { HealthSnapshot } from "../core/routing/health-snapshot.ts";
import { Ways } from "../core/routing/ways.ts";
import type { ProcessorTerms } from "../core/values/processor.ts";
import { refuseUnknown, serveAdmin } from "./api/admin-api.ts";
import { serveDoubts } from "./api/doubts-api.ts";
import { serveLink } from "./api/link-api.ts";
import { REFUSAL_DETAILS } from "./api/payment-ack.ts";
import { PublicApi } from "./api/public-api.ts";
import { readiness } from "./api/readiness.ts";
import { type Books, beginSending, keepBooks, type Sending } from "./books.ts";
import { DoubtDesk } from "./doubts/doubt-desk.ts";
import { HealthMonitor } from "./health/monitor.ts";
import { ConnectionBound } from "./http/connection-bound.ts";
import { Listener } from "./http/listener.ts";
import type { JournalStorage } from "./journal/journal-storage.ts";
import { JournalStore, type Surroundings } from "./journal/journal-store.ts";
import { partitionPath } from "./journal/partition-directory.ts";
import { Peers } from "./link/peers.ts";
import { LivePage } from "./live/live-page.ts";
import { takeReading } from "./live/reading.ts";
import type { Log } from "./log/log.ts";
import type { PollReport } from "./meters/poll-report.ts";
import type { Opening } from "./opening.ts";
import { Ownership } from "./payments/ownership.ts";
import type { PaymentService } from "./payments/payment-service.ts";
import { holdRestored } from "./restored/hold.ts";
import type { RestoredMark } from "./restored/restored-mark.ts";
import { RestoredStart } from "./restored/restored-start.ts";
import type { Config } from "./settings/config.ts";
import { type Address, formatAddress, healthAddress } from "./system/address.ts";
import { type DescriptorShares, openFilesMax, shareDescriptors } from "./system/descriptors.ts";
import { DirectoryInUseError } from "./system/disk.ts";
import { NameLookup } from "./system/name-lookup.ts";
import { RealDisk } from "./system/real-disk.ts";
import { RealNetwork } from "./system/real-network.ts";
import { RealTime } from "./system/time.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { Telemetry } from "./telemetry/telemetry.ts";

/** Connections to the link beyond those of the other instances' calls: ones that are being replaced. */
const LINK_SPARE = 8;

/** What the instance holds while it runs, to be closed when it stops. */
export type InstanceParts = {
  log: Log;
  service: PaymentService;
  sending: Sending;
  names: NameLookup;
  restored: RestoredStart | undefined;
  peers: Peers;
  monitor: HealthMonitor;
  page: LivePage | undefined;
  listeners: readonly Listener[];
  storage: JournalStorage | undefined;
  telemetry: Telemetry;
  shutdownGraceMs: number;
};

/** The books with what is seen of them. */
type OpenBooks = Books & {
  storage: JournalStorage | undefined;
  health: HealthSnapshot;
  /** Of restored data. */
  mark: RestoredMark | undefined;
  telemetry: Telemetry;
};

type Connections = { clients: ConnectionBound; instances: ConnectionBound };
type Register = (app: TemplatedApp) => void;
type Apis = { api: Register; admin: Register; link: Register; page: LivePage | undefined };

/** Opens everything, each part being kept by `opening`; rejects when a part cannot be had or the start is given up. */
export async function openInstance(
  asked: Config,
  log: Log,
  onBroken: (error: Error) => void,
  opening: Opening,
): Promise<InstanceParts> {
  const { shares, config } = withinDescriptors(asked, log);
  const books = await openBooks(config, log, onBroken, opening);
  const { telemetry, storage, service, mark } = books;
  const { links, instance: self, linkTimeoutMs: timeoutMs, shutdownGraceMs } = config;
  const names = opening.keep(new NameLookup(), (part) => part.close());
  const peersOptions = {
    links,
    self,
    timeoutMs,
    connectionsMax: shares.linkMax,
    names,
    processors: books.engine.processorNames,
  };
  const peers = opening.keep(new Peers(peersOptions, log.logger), (part) => part.close());
  const monitor = opening.keep(await startMonitor(config, books, names, log), (part) => part.stop());
  const connections = {
    clients: new ConnectionBound("clients", shares.clientsMax, log.logger),
    instances: new ConnectionBound("instances", shares.linkMax * peers.count + LINK_SPARE, log.logger),
  };
  const metrics = config.metricsEnabled
    ? await telemetry.openMetrics({ ...books, log, monitor, connections, ...config })
    : undefined;
  const apis = makeApis(config, books, peers, metrics, log);
  if (apis.page) opening.keep(apis.page, (part) => part.close());
  const listeners = await openListeners(config, opening, connections, apis);
  // Last, because what is sent cannot be taken back: a start that is given up has not begun to send.
  const network = new RealNetwork(names);
  const { processors, requestTimeoutMs } = config;
  const way = { network, processors, requestTimeoutMs };
  const sending = beginSending(books, way);
  const restored = mark && new RestoredStart({ ...books, ...way, mark });
  log.logger.info({ listen: formatAddress(config.listen), profile: config.profile }, "listening");
  const { page } = apis;
  return {
    log,
    service,
    sending,
    names,
    restored,
    peers,
    monitor,
    page,
    listeners,
    storage,
    telemetry,
    shutdownGraceMs,
  };
}

/** The configuration as far as the descriptors of this process reach. */
function withinDescriptors(asked: Config, log: Log): { shares: DescriptorShares; config: Config } {
  const instanceCount = Math.max(asked.links.length, 1);
  const wanted = asked.processors.map(({ maxInFlight }) => Math.ceil(maxInFlight / instanceCount));
  const shares = shareDescriptors(openFilesMax(), wanted, instanceCount - 1);
  if (typeof shares === "string") throw new Error(shares);
  const isShort = shares.inFlightMax.some((max, processor) => max < wanted[processor]!);
  if (!isShort) return { shares, config: asked };
  log.logger.warn(shares, "few open files are allowed (ulimit -n)");
  const processors = asked.processors.map((processor, i) => {
    return { ...processor, maxInFlight: shares.inFlightMax[i]! * instanceCount };
  });
  return { shares, config: { ...asked, processors } };
}

async function openBooks(
  config: Config,
  log: Log,
  onBroken: (error: Error) => void,
  opening: Opening,
): Promise<OpenBooks> {
  const health = new HealthSnapshot(config.processors.length);
  const ways = Ways.open(health, termsOf(config));
  const engine = new Engine(ways, { ...config, seed: randomInt(2 ** 32) | 0 });
  const time = new RealTime();
  const surroundings = { disk: new RealDisk(), time, logger: log.logger };
  const storage = await openStorage(config, engine, surroundings, onBroken, opening.signal);
  if (storage) opening.keep(storage, () => storage.close());
  const telemetry = opening.keep(await Telemetry.open(config, engine, log), (part) => part.close());
  const { meters, tracing } = telemetry;
  const syncs = config.durability === "fsync";
  const books = keepBooks({ engine, storage, onBroken, syncs, time, log, meters, tracing });
  const nowMs = books.clock.nowMs();
  const mark = storage && holdRestored(config, engine, storage, nowMs);
  engine.resume(nowMs, storage?.latestMs);
  return { ...books, storage, health, mark, telemetry };
}

/** What routing has to know of the processors, each with this instance's share of what may be in flight. */
function termsOf({ processors, links }: Config): ProcessorTerms[] {
  return processors.map(({ name, fee, maxInFlight }) => ({
    name,
    feePpm: Math.round(Number(fee.text) * 1e6),
    maxInFlight: Math.max(1, Math.floor(maxInFlight / Math.max(links.length, 1))),
  }));
}

function startMonitor(
  config: Config,
  { health, telemetry }: OpenBooks,
  names: NameLookup,
  log: Log,
): Promise<HealthMonitor> {
  const { tracing } = telemetry;
  const options = {
    self: config.instance,
    addresses: config.links.map(healthAddress),
    processors: config.processors.map(({ name, url, headers, tls }) => ({ name, url: url.href, headers, tls })),
    snapshot: health.buffer,
    names,
    onPoll: tracing && ((report: PollReport) => tracing.polled(report)),
  };
  return HealthMonitor.start(options, log.logger);
}

function makeApis(config: Config, books: OpenBooks, peers: Peers, metrics: Metrics | undefined, log: Log): Apis {
  const { engine, health, clock, commit, service, telemetry } = books;
  const { instance: self, durability, links, maxBodyBytes } = config;
  const ownership = new Ownership(self, Math.max(links.length, 1));
  const reportReadiness = () => {
    const journal = { durability, writable: !commit.isFailing };
    const refusal = service.refusal && REFUSAL_DETAILS[service.refusal];
    return readiness(engine, health, peers, self, journal, refusal);
  };
  const publicApi = new PublicApi(service, peers, reportReadiness, telemetry.meters, { ...config, ownership });
  const desk = new DoubtDesk(service, clock, commit, telemetry.meters, log);
  const ownReading = async () => JSON.stringify(await takeReading(service, health, telemetry.meters));
  return {
    api: (app) => publicApi.register(app),
    page: config.page ? new LivePage(peers, ownReading, config) : undefined,
    admin: (app) => {
      serveAdmin(app, log, metrics);
      serveDoubts(app, desk);
    },
    link: (app) => serveLink(app, service, ownReading, { ownership, maxBodyBytes }),
  };
}

/**
 * The public API's listener, the operators' where it has one of its own, and the link's where there are other
 * instances.
 */
async function openListeners(
  { listen, adminListen, links, instance }: Config,
  opening: Opening,
  { clients, instances }: Connections,
  apis: Apis,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  const open = async (address: Address, bound: ConnectionBound, register: Register): Promise<void> => {
    listeners.push(opening.keep(await Listener.open(address, register, bound), (listener) => listener.close()));
  };
  if (adminListen) {
    await open(adminListen, clients, (app) => {
      apis.admin(app);
      refuseUnknown(app);
    });
  }
  await open(listen, clients, (app) => {
    if (!adminListen) apis.admin(app);
    apis.api(app);
    apis.page?.register(app, clients);
  });
  const link = links[instance];
  if (link) await open(link, instances, apis.link);
  return listeners;
}

/** The journal, unless it was asked to do without. */
async function openStorage(
  config: Config,
  engine: Engine,
  surroundings: Surroundings,
  onBroken: (error: Error) => void,
  signal: AbortSignal,
): Promise<JournalStorage | undefined> {
  const { durability, dataDir, instance, segmentBytes, links, processors, capacity } = config;
  if (durability === "none") {
    surroundings.logger.warn("durability is none: accepted payments do not survive the end of this process");
    return undefined;
  }
  const instanceCount = Math.max(links.length, 1);
  const store = await JournalStore.open(surroundings, {
    dataDir,
    partitionCount: instanceCount,
    instanceCount,
    capacity,
    processors: processors.map(({ name }) => name),
    segmentBytes,
    syncs: durability === "fsync",
  });
  const claim = await store.claim(instance);
  if (!claim) throw new DirectoryInUseError(partitionPath(dataDir, instance));
  try {
    return await claim.open(engine.ledger, { signal, onBroken });
  } catch (error) {
    await claim.release();
    throw error;
  }
}
