import type { TemplatedApp } from "uWebSockets.js";
import { HealthSnapshot } from "../core/routing/health-snapshot.ts";
import { Ways } from "../core/routing/ways.ts";
import type { ProcessorTerms } from "../core/values/processor.ts";
import { refuseUnknown, serveAdmin } from "./api/admin-api.ts";
import { serveDoubts } from "./api/doubts-api.ts";
import { serveLink } from "./api/link-api.ts";
import { PublicApi } from "./api/public-api.ts";
import { readiness } from "./api/readiness.ts";
import { WholeService } from "./api/whole-service.ts";
import { DoubtDesks } from "./doubts/doubt-desks.ts";
import { HealthMonitor } from "./health/monitor.ts";
import { ConnectionBound } from "./http/connection-bound.ts";
import { Listener } from "./http/listener.ts";
import { LinkNeighbours } from "./link/link-neighbours.ts";
import { Peers } from "./link/peers.ts";
import { FixedRoster, MemberRoster, type Roster } from "./link/roster.ts";
import { LivePage } from "./live/live-page.ts";
import { takeReading } from "./live/reading.ts";
import type { Log } from "./log/log.ts";
import type { PollReport } from "./meters/poll-report.ts";
import { openStore } from "./open-store.ts";
import type { Opening } from "./opening.ts";
import { carriedBy } from "./partition/carried-partitions.ts";
import { Custody } from "./partition/custody.ts";
import { newEngine, Partition, type PartitionSurroundings } from "./partition/partition.ts";
import { PartitionMap } from "./partition/partition-map.ts";
import { Reach } from "./partition/reach.ts";
import { ReadingAlong } from "./partition/reading-along.ts";
import { EvenSharing, FixedSharing } from "./partition/sharing.ts";
import { PaymentBody } from "./payments/payment-body.ts";
import { holdRestored } from "./restored/hold.ts";
import { RestoredStart } from "./restored/restored-start.ts";
import type { Config } from "./settings/config.ts";
import { MEMBERS_MAX } from "./settings/store-settings.ts";
import type { Store } from "./store/store.ts";
import { type Address, formatAddress, healthAddress } from "./system/address.ts";
import { type DescriptorShares, openFilesMax, shareDescriptors, standingLinksMax } from "./system/descriptors.ts";
import { MemoryRoom } from "./system/memory-room.ts";
import { NameLookup } from "./system/name-lookup.ts";
import { RealNetwork } from "./system/real-network.ts";
import { RealTime } from "./system/time.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { Admission } from "./turn/admission.ts";
import { SlewedClock } from "./turn/clock.ts";

/** Of a ledger, every way of finding a payment included (Ledger.bytesPerPayment), rounded up. */
const BYTES_PER_PAYMENT = 64;

/** Connections to the link beyond those of the other instances' calls: ones that are being replaced, and streams. */
const LINK_SPARE_MIN = 8;

/** What the instance holds while it runs, to be closed when it stops. */
export type InstanceParts = {
  log: Log;
  store: Store;
  custody: Custody;
  reach: Reach;
  names: NameLookup;
  neighbours: LinkNeighbours;
  peers: Peers;
  monitor: HealthMonitor;
  page: LivePage | undefined;
  listeners: readonly Listener[];
  telemetry: Telemetry;
  shutdownGraceMs: number;
};

/** What is there once in an instance, whatever it carries. */
type Common = {
  config: Config;
  log: Log;
  time: RealTime;
  names: NameLookup;
  health: HealthSnapshot;
  ways: Ways;
  body: PaymentBody;
  telemetry: Telemetry;
  roster: FixedRoster | MemberRoster;
  peers: Peers;
  neighbours: LinkNeighbours;
};

type Connections = { clients: ConnectionBound; instances: ConnectionBound };
type Register = (app: TemplatedApp) => void;
type Apis = { api: Register; admin: Register; link: Register; page: LivePage | undefined };

/**
 * Opens everything but the health monitor's thread, each part being kept by `opening`; rejects when a part cannot be
 * had or the start is given up.
 */
export async function openInstance(
  asked: Config,
  log: Log,
  onBroken: (error: Error) => void,
  opening: Opening,
): Promise<InstanceParts> {
  const { shares, config } = withinDescriptors(asked, log);
  const common = await openCommon(config, shares, log, opening);
  const { names, telemetry, peers, neighbours, time } = common;
  const monitor = newMonitor(common);
  const store = await openStore({ ...common, opening });
  const custody = await openCustody(common, store, onBroken, opening);
  const reach = new Reach(custody, time);
  const connections = {
    clients: new ConnectionBound("clients", shares.clientsMax, log.logger),
    instances: new ConnectionBound("instances", linkConnectionsMax(config, shares), log.logger),
  };
  const metrics = config.metricsEnabled
    ? await telemetry.openMetrics({ ...common, ...config, custody, monitor, connections })
    : undefined;
  const apis = makeApis(common, custody, reach, metrics);
  const { page } = apis;
  if (page) opening.keep(page, (part) => part.close());
  // The others are told, and asked, before anything is claimed; clients come when it is known who carries what.
  const listeners = await openLink(config, opening, connections, apis);
  await custody.start(opening.signal);
  listeners.push(...(await openListeners(config, opening, connections, apis)));
  log.logger.info({ listen: formatAddress(config.listen), profile: config.profile }, "listening");
  const { shutdownGraceMs } = config;
  return { log, store, custody, reach, names, neighbours, peers, monitor, page, listeners, telemetry, shutdownGraceMs };
}

/** The configuration as far as the descriptors of this process reach. */
function withinDescriptors(asked: Config, log: Log): { shares: DescriptorShares; config: Config } {
  // Where instances come and go, this one may be alone.
  const instanceCount = countOf(asked);
  const wanted = asked.processors.map(({ maxInFlight }) => Math.ceil(maxInFlight / instanceCount));
  const shares = shareDescriptors(openFilesMax(), wanted, peersMax(asked));
  if (typeof shares === "string") throw new Error(shares);
  const isShort = shares.inFlightMax.some((max, processor) => max < wanted[processor]!);
  if (!isShort) return { shares, config: asked };
  log.logger.warn(shares, "few open files are allowed (ulimit -n)");
  const processors = asked.processors.map((processor, i) => {
    return { ...processor, maxInFlight: shares.inFlightMax[i]! * instanceCount };
  });
  return { shares, config: { ...asked, processors } };
}

async function openCommon(config: Config, shares: DescriptorShares, log: Log, opening: Opening): Promise<Common> {
  const { linkTimeoutMs: timeoutMs } = config;
  const time = new RealTime();
  const health = new HealthSnapshot(config.processors.length);
  const telemetry = opening.keep(await Telemetry.open(config, log), (part) => part.close());
  const names = opening.keep(new NameLookup(), (part) => part.close());
  const processors = config.processors.map(({ name }) => name);
  const roster = rosterOf(config, log);
  const peersOptions = { roster, timeoutMs, connectionsMax: shares.linkMax, names, processors };
  const peers = opening.keep(new Peers(peersOptions, log.logger), (part) => part.close());
  const neighbours = new LinkNeighbours({ roster, names, time }, log.logger);
  opening.keep(neighbours, (part) => part.close());
  const ways = Ways.open(health, termsOf(config, roster));
  roster.onChange(() => ways.bound(inFlightShares(config, roster)));
  return { config, log, time, names, health, ways, body: new PaymentBody(), telemetry, roster, peers, neighbours };
}

function rosterOf({ instance, links, store }: Config, log: Log): FixedRoster | MemberRoster {
  return store ? new MemberRoster(instance, MEMBERS_MAX, log.logger) : new FixedRoster(instance, links);
}

/** What routing has to know of the processors, each with this instance's share of what may be in flight. */
function termsOf(config: Config, roster: Roster): ProcessorTerms[] {
  const shares = inFlightShares(config, roster);
  return config.processors.map(({ name, fee }, processor) => ({
    name,
    feePpm: Math.round(Number(fee.text) * 1e6),
    maxInFlight: shares[processor]!,
  }));
}

/** Of what may be in flight to each processor, the same for each instance that is in the roster. */
function inFlightShares({ processors }: Config, { others }: Roster): number[] {
  return processors.map(({ maxInFlight }) => Math.max(1, Math.floor(maxInFlight / (others.size + 1))));
}

async function openCustody(
  common: Common,
  store: Store,
  onBroken: (error: Error) => void,
  opening: Opening,
): Promise<Custody> {
  const { config, log, time, neighbours } = common;
  const { logger } = log;
  // A store whose rights lapse can give a partition to another while it is carried here.
  const onLost = store.onLost && ((partition: number) => custody.lost(partition));
  const surroundings = surroundingsOf(common, onBroken, onLost);
  const room = MemoryRoom.ofProcess(BYTES_PER_PAYMENT);
  const refusalOfSize = (paymentsExpected: number) => room.refusalOf(paymentsExpected);
  const { instance: self } = config;
  const custody: Custody = new Custody({
    self,
    sharing: config.store ? new EvenSharing(store.partitionCount, self) : new FixedSharing(countOf(config)),
    store,
    neighbours,
    time,
    logger,
    random: Math.random,
    refusalOfSize,
    open: (claim, ahead, signal) => Partition.open(claim, surroundings, ahead, signal),
    readingAlong: new ReadingAlong({
      store,
      time,
      logger,
      refusalOfSize,
      newEngine: (partition, capacity) => newEngine(partition, capacity, surroundings),
    }),
  });
  if (onLost) store.onLost?.(onLost);
  return opening.keep(custody, (part) => part.close());
}

function surroundingsOf(
  common: Common,
  onBroken: (error: Error) => void,
  onLost: ((partition: number) => void) | undefined,
): PartitionSurroundings {
  const { config, log, time, names, ways, body, telemetry } = common;
  const { meters, tracing } = telemetry;
  const { processors, requestTimeoutMs, durability } = config;
  const network = new RealNetwork(names);
  const clock = new SlewedClock(time, 0, (stepMs) => {
    meters.clockStepCount++;
    log.logger.warn({ stepMs }, "the wall clock was set: time follows it slowly");
  });
  return {
    ways,
    engineOptions: config,
    processors,
    requestTimeoutMs,
    syncs: durability === "fsync",
    time,
    clock,
    network,
    log,
    meters,
    tracing,
    body,
    onBroken,
    onLost,
    hold: (books, storage) => {
      const nowMs = books.clock.nowMs();
      const mark = holdRestored(config, books.engine, storage, nowMs);
      return mark && { begin: () => new RestoredStart({ ...books, network, processors, requestTimeoutMs, mark }) };
    },
  };
}

function newMonitor({ config, health, telemetry, names, log }: Common): HealthMonitor {
  const { tracing } = telemetry;
  const options = {
    self: config.instance,
    addresses: config.links.map(healthAddress),
    processors: config.processors.map(({ name, url, headers, tls }) => ({ name, url: url.href, headers, tls })),
    snapshot: health.buffer,
    healthUrl: config.healthUrl?.href,
    storeUrl: config.store?.url,
    names,
    onPoll: tracing && ((report: PollReport) => tracing.polled(report)),
  };
  return new HealthMonitor(options, log.logger);
}

function makeApis(common: Common, custody: Custody, reach: Reach, metrics: Metrics | undefined): Apis {
  const { config, log, time, health, ways, body, telemetry, roster, peers, neighbours } = common;
  const { meters, tracing } = telemetry;
  const { instance: self, durability, maxBodyBytes, purgeEnabled } = config;
  const { partitionCount } = custody;
  const partitions = new PartitionMap(partitionCount);
  const whole = new WholeService({ custody, reach, partitions, peers, body, time });
  const reportReadiness = () => readiness({ custody, neighbours, ways, health, self, durability });
  const admission = new Admission({ time, idleMs: () => performance.nodeTiming.idleTime });
  const publicParts = { whole, custody, partitions, body, meters, log, admission, tracing, readiness: reportReadiness };
  const publicApi = new PublicApi(publicParts, config);
  const ownReading = async () => JSON.stringify(await takeReading(custody, ways, health, meters));
  return {
    api: (app) => publicApi.register(app),
    page: config.page ? new LivePage(peers, ownReading, { ...config, roster, partitionCount }) : undefined,
    admin: (app) => {
      serveAdmin(app, log, metrics);
      serveDoubts(app, new DoubtDesks(custody, partitions));
    },
    link: (app) =>
      serveLink(app, {
        carried: carriedBy(custody, partitions),
        ownReading,
        bulletins: neighbours.board,
        follow: (partition) => custody.follow(partition),
        maxBodyBytes,
        purgeEnabled,
        body,
        spans: tracing?.requests,
      }),
  };
}

/** The link's listener, where there are other instances. */
async function openLink(
  { links, instance, store }: Config,
  opening: Opening,
  { instances }: Connections,
  apis: Apis,
): Promise<Listener[]> {
  const link = store?.link ?? links[instance];
  if (link === undefined) return [];
  return [opening.keep(await Listener.open(link, apis.link, instances), (listener) => listener.close())];
}

/** The public API's listener, and the operators' where it has one of its own. */
async function openListeners(
  { listen, adminListen }: Config,
  opening: Opening,
  { clients }: Connections,
  apis: Apis,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  const open = async (address: Address, register: Register): Promise<void> => {
    listeners.push(opening.keep(await Listener.open(address, register, clients), (listener) => listener.close()));
  };
  if (adminListen) {
    await open(adminListen, (app) => {
      apis.admin(app);
      refuseUnknown(app);
    });
  }
  await open(listen, (app) => {
    if (!adminListen) apis.admin(app);
    apis.api(app);
    apis.page?.register(app, clients);
  });
  return listeners;
}

/** How many there are where their number is fixed. */
function countOf({ links }: Config): number {
  return Math.max(links.length, 1);
}

function peersMax(config: Config): number {
  return config.store ? MEMBERS_MAX - 1 : countOf(config) - 1;
}

function linkConnectionsMax(config: Config, { linkMax }: DescriptorShares): number {
  const peers = peersMax(config);
  return linkMax * peers + Math.max(LINK_SPARE_MIN, standingLinksMax(peers));
}
