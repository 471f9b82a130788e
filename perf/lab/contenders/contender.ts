import { Books } from "./books.ts";
import { LimitedTopology, type Limits } from "./limited-topology.ts";

/** Somebody who is paid. */
export type Contender = {
  readonly name: "ours" | "floor" | "target";
  readonly url: URL;
  /** `undefined`: somebody else has started it. */
  readonly topology: LimitedTopology | undefined;
  /** `undefined`: it does not charge anybody, or nobody knows who. */
  readonly books: Books | undefined;
};

export type StartOptions = {
  readonly limits: Limits | undefined;
  readonly logLevel: string | undefined;
};

export type ContendersOptions = StartOptions & {
  readonly hasFloor: boolean;
  /** For our instances' node. */
  readonly nodeFlags?: readonly string[];
};

const FEES = { default: 0.05, fallback: 0.15 };
/** The floor calls no processor, so none is started for it. */
const NOBODY = { default: "http://127.0.0.1:1", fallback: "http://127.0.0.1:1" };

/** Our service with two healthy processors, and beside it the floor. */
export async function startContenders(
  { limits, logLevel, hasFloor, nodeFlags = [] }: ContendersOptions,
  signal: AbortSignal,
): Promise<Contender[]> {
  const shared = { profile: "contest", port: 0, fees: FEES, limits, logLevel } as const;
  const topology = await LimitedTopology.start({ ...shared, label: "ours", nodeFlags }, "service", signal);
  const ours: Contender = {
    name: "ours",
    url: topology.target.service,
    topology,
    books: new Books(topology.target),
  };
  try {
    return hasFloor ? [ours, await startFloor({ limits, logLevel }, signal)] : [ours];
  } catch (error) {
    await stopContenders([ours]);
    throw error;
  }
}

/** The same nginx, under the same limits, in front of as many processes that only read the body and say 202. */
export async function startFloor({ limits, logLevel }: StartOptions, signal: AbortSignal): Promise<Contender> {
  const topology = await LimitedTopology.start(
    { profile: "contest", port: 0, fees: FEES, limits, logLevel, label: "floor", processorUrls: NOBODY },
    "floor",
    signal,
  );
  return { name: "floor", url: topology.target.service, topology, books: undefined };
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
