import { floorMain } from "../floor/floor-main.ts";
import { LimitedTopology, type Limits } from "../limits/limited-topology.ts";
import { instanceNodeFlags } from "../topology/plans.ts";
import { Books } from "./books.ts";

/** Somebody who is paid. */
export interface Contender {
  readonly name: "ours" | "floor" | "target";
  readonly url: URL;
  /** `undefined`: somebody else has started it. */
  readonly topology: LimitedTopology | undefined;
  /** `undefined`: it does not charge anybody, or nobody knows who. */
  readonly books: Books | undefined;
}

export interface ContendersOptions {
  readonly limits: Limits | undefined;
  readonly hasFloor: boolean;
  /** For our instances' node. */
  readonly nodeFlags?: readonly string[];
  readonly logLevel: string | undefined;
}

const fees = { default: 0.05, fallback: 0.15 };

/** Our service with two healthy processors, and beside it the floor: the same nginx in front of as many processes that only say 202. */
export async function startContenders(options: ContendersOptions, signal: AbortSignal): Promise<Contender[]> {
  const contenders: Contender[] = [];
  const start = async (name: "ours" | "floor", more: object): Promise<LimitedTopology> => {
    const { limits, logLevel } = options;
    const shared = { profile: "contest", port: 0, fees, limits, logLevel, label: name } as const;
    const topology = await LimitedTopology.start({ ...shared, ...more }, signal);
    const books = name === "ours" ? new Books(topology.target) : undefined;
    contenders.push({ name, url: topology.target.service, topology, books });
    return topology;
  };
  try {
    const ours = await start("ours", { nodeFlags: options.nodeFlags ?? [] });
    const instanceCommand = [process.execPath, ...instanceNodeFlags, floorMain];
    const { processors } = ours.target;
    const processorUrls = { default: processors.default.origin, fallback: processors.fallback.origin };
    // The floor calls no processor: ours will do, so that none is started for it.
    if (options.hasFloor) await start("floor", { instanceCommand, processorUrls });
    return contenders;
  } catch (error) {
    await stopContenders(contenders);
    throw error;
  }
}

export async function stopContenders(contenders: readonly Contender[]): Promise<void> {
  for (const { topology, books } of contenders.toReversed()) {
    await books?.close();
    await topology?.stop();
  }
}

/** Why there are no limits, as a remark. */
export function limitRemarks(contenders: readonly Contender[]): string[] {
  const reasons = contenders.flatMap(({ topology }) => topology?.unlimitedReason ?? []);
  return [...new Set(reasons)].map((reason) => `no CPU and memory limits: ${reason}`);
}
