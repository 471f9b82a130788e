import type { Contender, ContenderName } from "../contenders/contender.ts";
import { type IdleShare, typicalIdle } from "../cost/costs.ts";
import { measureIdle } from "../cost/measure.ts";
import { type LatencyRound, measureLatency } from "../latency/measure.ts";
import type { UsageBetween } from "../limits/usage-between.ts";
import type { StoreOptions } from "./command-line.ts";
import type { StoreLoad, StoreMeter } from "./store-meter.ts";

/** One round, and what it was in the database where the store had its turn. */
export type StoreRound = LatencyRound & { readonly store: StoreLoad | undefined };

export type StoreMeasurement = {
  readonly rounds: readonly StoreRound[];
  /** The median over the rounds: some idle seconds are busier than others. */
  readonly idle: Readonly<Partial<Record<ContenderName, readonly IdleShare[]>>>;
};

export async function measureStore(
  contenders: readonly Contender[],
  meter: StoreMeter,
  options: StoreOptions,
  signal: AbortSignal,
): Promise<StoreMeasurement> {
  const idles = new Map<ContenderName, UsageBetween[][]>(contenders.map(({ name }) => [name, []]));
  const storeLoads: StoreLoad[] = [];
  const rounds = await measureLatency(contenders, options, signal, {
    async roundBegins() {
      const idle = await measureIdle(contenders, options.idleMs, signal);
      for (const [name, usages] of idle) idles.get(name)!.push(usages);
    },
    async loadBegins({ name }) {
      if (name === "store") await meter.begin();
    },
    async loadEnded({ name }, { elapsedMs }) {
      if (name === "store") storeLoads.push(await meter.end(elapsedMs));
    },
  });
  const idle = [...idles].map(([name, usages]) => [name, typicalIdle(usages)] as const);
  // Both are in the order in which they were measured.
  const ofRound = (round: LatencyRound): StoreRound => ({
    ...round,
    store: round.contender === "store" ? storeLoads.shift() : undefined,
  });
  return { rounds: rounds.map(ofRound), idle: Object.fromEntries(idle) };
}
