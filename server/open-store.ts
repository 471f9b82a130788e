import { JournalStore } from "./journal/journal-store.ts";
import type { FixedRoster, MemberRoster } from "./link/roster.ts";
import type { Log } from "./log/log.ts";
import type { Opening } from "./opening.ts";
import type { Config } from "./settings/config.ts";
import { type Store, usualPartitionCount } from "./store/store.ts";
import { VolatileStore } from "./store/volatile-store.ts";
import { RealDisk } from "./system/real-disk.ts";
import type { Time } from "./system/time.ts";

export type StoreSurroundings = {
  config: Config;
  log: Log;
  time: Time;
  roster: FixedRoster | MemberRoster;
  opening: Opening;
};

/** The store that the configuration asks for; `opening` keeps what has to be closed. */
export async function openStore(surroundings: StoreSurroundings): Promise<Store> {
  const { config } = surroundings;
  if (config.store) {
    const { openLeaseStore } = await import("./open-lease-store.ts");
    return await openLeaseStore(surroundings, config.store);
  }
  return config.durability === "none" ? openVolatileStore(surroundings) : await openJournalStore(surroundings);
}

function openVolatileStore({ config, log }: StoreSurroundings): VolatileStore {
  log.logger.warn("durability is none: accepted payments do not survive the end of this process");
  return new VolatileStore(config.partitions ?? usualPartitionCount(Math.max(config.links.length, 1)), config.capacity);
}

function openJournalStore({ config, log, time }: StoreSurroundings): Promise<JournalStore> {
  const { durability, dataDir, partitions: partitionCount, capacity, segmentBytes, links } = config;
  return JournalStore.open(
    { disk: new RealDisk(), time, logger: log.logger },
    {
      dataDir,
      partitionCount,
      instanceCount: Math.max(links.length, 1),
      capacity,
      processors: namesOf(config),
      segmentBytes,
      syncs: durability === "fsync",
    },
  );
}

function namesOf({ processors }: Config): string[] {
  return processors.map(({ name }) => name);
}
