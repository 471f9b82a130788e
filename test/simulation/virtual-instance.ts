import type { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import type { Ways } from "../../core/routing/ways.ts";
import { PROCESSORS_MAX } from "../../core/values/processor.ts";
import { WholeService } from "../../server/api/whole-service.ts";
import { HealthEndpoint } from "../../server/health/health-endpoint.ts";
import { PeerConsent } from "../../server/health/peer-consent.ts";
import { keepIn, Polling } from "../../server/health/polling.ts";
import { JournalStore } from "../../server/journal/journal-store.ts";
import { Meters } from "../../server/meters/meters.ts";
import { Custody } from "../../server/partition/custody.ts";
import { newEngine, Partition, type PartitionSurroundings } from "../../server/partition/partition.ts";
import { PartitionMap } from "../../server/partition/partition-map.ts";
import { Reach } from "../../server/partition/reach.ts";
import { ReadingAlong } from "../../server/partition/reading-along.ts";
import { EvenSharing, FixedSharing } from "../../server/partition/sharing.ts";
import { PaymentBody } from "../../server/payments/payment-body.ts";
import type { Store } from "../../server/store/store.ts";
import type { SlewedClock } from "../../server/turn/clock.ts";
import { logOf } from "../support/memory-log.ts";
import { namesOf } from "../support/terms.ts";
import type { LinkCalls } from "./link-calls.ts";
import type { Oracle } from "./oracle.ts";
import type { PaceWatch } from "./pace-watch.ts";
import type { Process } from "./process.ts";
import type { ProcessDisk } from "./process-disk.ts";
import { SlowTime } from "./slow-time.ts";
import type { VirtualDatabase } from "./virtual-database.ts";
import { VirtualLease } from "./virtual-lease.ts";
import { type Listener, VirtualLink } from "./virtual-link.ts";
import type { VirtualNeighbours } from "./virtual-neighbours.ts";
import { PROCESSORS, type VirtualNetwork } from "./virtual-network.ts";
import { VirtualPeers } from "./virtual-peers.ts";

/** Small, so that files span several chunks. */
const CHUNK_RECORDS = 61;

/** What is counted and logged is nobody's business here. */
const METERS = new Meters(PROCESSORS_MAX);
const { log: LOG } = logOf("silent");

/** A process, and what is around it. */
export type InstanceParts = {
  process: Process;
  disk: ProcessDisk;
  database: VirtualDatabase;
  /** A start that is given up. */
  signal: AbortSignal;
  network: VirtualNetwork;
  neighbours: VirtualNeighbours;
  calls: LinkCalls;
  oracle: Oracle;
  health: HealthSnapshot;
  ways: Ways;
  clock: SlewedClock;
  pace: PaceWatch;
  /** The other instances' monitors, as they are when they are asked. */
  peers: readonly (() => Listener)[];
  polls: boolean;
  /** Its lease has been renewed. */
  onRenewed: () => void;
  /** A partition is about to be opened, and has been. */
  onOpening: () => void;
  onOpened: (partition: Partition, wasRead: boolean, tookMs: number) => void;
  /** A partition could not be carried, which is tried again later. */
  onRefused: (error: unknown) => void;
  onBroken: () => void;
};

/** An instance of the product in virtual surroundings. */
export type VirtualInstance = {
  body: PaymentBody;
  partitions: PartitionMap;
  custody: Custody;
  reach: Reach;
  whole: WholeService;
  lease: VirtualLease | undefined;
  consent: PeerConsent | undefined;
};

/** Puts it together as openInstance does; nothing is claimed yet. */
export async function openVirtualInstance(parts: InstanceParts): Promise<VirtualInstance> {
  const { process, calls, oracle, polls } = parts;
  const { partitionCount } = process.world.settings;
  const body = new PaymentBody();
  const partitions = new PartitionMap(partitionCount);
  const lease = process.world.settings.mode === "lease" ? await openLease(parts) : undefined;
  const store: Store = lease?.store ?? (await openJournals(parts));
  const onLost = store.onLost && ((partition: number) => custody.lost(partition));
  const custody: Custody = openCustody(parts, store, { ...surroundingsOf(parts), body, onLost });
  if (onLost) store.onLost?.(onLost);
  const time = process.awaited;
  const reach = new Reach(custody, time);
  const peers = new VirtualPeers({ process, calls, oracle });
  const whole = new WholeService({ custody, reach, partitions, peers, body, time });
  return { body, partitions, custody, reach, whole, lease, consent: polls ? poll(parts) : undefined };
}

function openLease(parts: InstanceParts): Promise<VirtualLease> {
  const { neighbours, onRenewed } = parts;
  const onMembers = (instances: readonly number[]): void => {
    onRenewed();
    neighbours.follow(instances);
  };
  return VirtualLease.open({ ...parts, onMembers });
}

function openJournals({ process, disk }: InstanceParts): Promise<JournalStore> {
  const { settings } = process.world;
  const time = settings.replaysSlowly ? new SlowTime(process.awaited) : process.awaited;
  const processors = namesOf(settings.processorCount);
  return JournalStore.open(
    { disk, time, logger: LOG.logger },
    { ...settings, dataDir: "/data", processors, chunkRecords: CHUNK_RECORDS },
  );
}

function openCustody(parts: InstanceParts, store: Store, surroundings: PartitionSurroundings): Custody {
  const { process, neighbours, onOpening, onOpened, onRefused } = parts;
  const { random, settings } = process.world;
  const time = process.awaited;
  const refusalOfSize = () => undefined;
  const error = ({ err }: { err?: unknown }): void => onRefused(err);
  return new Custody({
    self: process.instance,
    sharing:
      settings.mode === "lease"
        ? new EvenSharing(settings.partitionCount, process.instance)
        : new FixedSharing(settings.instanceCount),
    store,
    neighbours,
    time,
    logger: { error, warn: () => {}, info: () => {} } as unknown as typeof LOG.logger,
    random: () => random.bits() / 2 ** 32,
    refusalOfSize,
    open: async (claim, reading, signal) => {
      onOpening();
      const beganAtMs = time.monotonicMs();
      const partition = await Partition.open(claim, surroundings, reading, signal);
      onOpened(partition, reading !== undefined, time.monotonicMs() - beganAtMs);
      return partition;
    },
    readingAlong: new ReadingAlong({
      store,
      time,
      logger: LOG.logger,
      refusalOfSize,
      newEngine: (partition, capacity) => newEngine(partition, capacity, surroundings),
    }),
  });
}

function surroundingsOf(parts: InstanceParts): Omit<PartitionSurroundings, "body"> {
  const { process, network, ways, clock, pace, onBroken } = parts;
  const { settings } = process.world;
  return {
    ways,
    engineOptions: settings,
    processors: PROCESSORS.slice(0, settings.processorCount),
    requestTimeoutMs: settings.requestTimeoutMs,
    syncs: settings.syncs,
    time: process,
    clock,
    network: network.of(process, () => pace.sent()),
    log: LOG,
    meters: METERS,
    onBroken,
  };
}

/** Begins to poll; returns what the other instances ask. */
function poll({ process, network, peers, health }: InstanceParts): PeerConsent {
  const time = process.awaited;
  const processors = PROCESSORS.slice(0, process.world.settings.processorCount);
  const consent = new PeerConsent({
    self: process.instance,
    processorCount: processors.length,
    peers: peers.map((listener) => new VirtualLink(process, listener)),
    time,
    onHeard: keepIn(health, time),
  });
  const endpoints = processors.map(
    (processor) => new HealthEndpoint(processor, { network: network.of(process, () => {}), time }),
  );
  new Polling({ endpoints, consent, health, time });
  return consent;
}
