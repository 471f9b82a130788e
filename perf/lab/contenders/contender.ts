import type { Target } from "../../audit/parties.ts";
import { say } from "../../command/run-command.ts";
import type { Engine } from "../../containers/engine.ts";
import type { ProcessReading } from "../limits/usage-between.ts";
import { Books } from "./books.ts";
import { ContainedDeployment } from "./contained-deployment.ts";
import type { Deployment } from "./deployment.ts";
import { CONTEST_LIMITS, LimitedTopology, type LimitedTopologyOptions, type Program } from "./limited-topology.ts";
import type { Limits } from "./named-groups.ts";

/**
 * The floor beside which a service is measured; the fair one also has the outgoing work of a service done, by a
 * process of its own.
 */
export type FloorName = "floor" | "fair floor";
export const FLOOR_NAMES: readonly FloorName[] = ["floor", "fair floor"];

/** Our service by how it keeps the payments, where several ways are compared: in journals, or in PostgreSQL. */
export const KEEPING_NAMES = ["write", "fsync", "store"] as const;
export type KeepingName = (typeof KEEPING_NAMES)[number];

export type ContenderName = "ours" | KeepingName | "target" | FloorName;

/** Somebody who is paid. */
export type Contender = {
  readonly name: ContenderName;
  readonly url: URL;
  /** `undefined`: somebody else has started it. */
  readonly topology: Deployment | undefined;
  /** What its processes have taken so far; none where nobody knows them. */
  readings(): ProcessReading[];
  /** `undefined`: it does not charge anybody, or nobody knows who. */
  readonly books: Books | undefined;
};

export type ContendersOptions = {
  readonly limits: Limits | undefined;
  readonly logLevel: string | undefined;
  readonly floors: readonly FloorName[];
  /** In place of ours. */
  readonly target?: OtherTarget | undefined;
  /** For our instances' node. */
  readonly nodeFlags?: readonly string[];
  /** Ours runs in containers of this one. */
  readonly engine?: Engine | undefined;
};

/** A way to run our service. */
export type OurService = {
  readonly name: "ours" | KeepingName;
  /** For the instances, on top of this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of the PostgreSQL that keeps the payments; without it journals do. */
  readonly storeUrl?: string;
  /** What processes beside the topology's have taken so far for it. */
  readonly readingsBeside?: () => ProcessReading[];
};

/** A service that somebody else has started. */
export type OtherTarget = {
  readonly service: URL;
  /** `undefined`: what was charged cannot be checked. */
  readonly books: Target | undefined;
  /** Whether any process that serves it is known. */
  readonly hasProcesses: boolean;
  /** What these have taken so far. */
  readings(): ProcessReading[];
};

const FEES = { default: 0.05, fallback: 0.15 };
/** The bare floor calls no processor, so none is started for it. */
const NOBODY = { default: "http://127.0.0.1:1", fallback: "http://127.0.0.1:1" };

/** Our service with two healthy processors, or the one that runs already; and beside it the floors. */
export async function startContenders(options: ContendersOptions, signal: AbortSignal): Promise<Contender[]> {
  const { target, floors } = options;
  const started: Contender[] = [];
  try {
    if (target === undefined) say("starting ours");
    started.push(target === undefined ? await startOwn(options, signal) : otherContender(target));
    for (const floor of floors) {
      say(`starting the ${floor}`);
      started.push(await startFloor(floor, options, signal));
    }
    return started;
  } catch (error) {
    await stopContenders(started);
    throw error;
  }
}

export async function stopContenders(contenders: readonly Contender[]): Promise<void> {
  for (const { topology, books } of contenders.toReversed()) {
    await books?.close();
    await topology?.stop();
  }
}

export function isFloor(name: ContenderName): name is FloorName {
  return name === "floor" || name === "fair floor";
}

/** By what means there are limits, or why there are none; as remarks. */
export function limitRemarks(contenders: readonly Contender[]): string[] {
  const texts = contenders.flatMap(({ topology }) =>
    topology === undefined ? [] : [limitRemark(topology), ...topology.remarks],
  );
  return [...new Set(texts)];
}

export function limitRemark({ limitedBy, unlimitedReason }: Pick<Deployment, "limitedBy" | "unlimitedReason">): string {
  return limitedBy === undefined
    ? `no CPU and memory limits: ${unlimitedReason}`
    : `CPU and memory limits by ${limitedBy}`;
}

async function startOwn(options: ContendersOptions, signal: AbortSignal): Promise<Contender> {
  const { engine, limits = CONTEST_LIMITS } = options;
  if (engine === undefined) return startOurs({ name: "ours" }, options, signal);
  const topology = await ContainedDeployment.start(engine, { fees: FEES, limits }, signal);
  const { target } = topology;
  return { name: "ours", url: target.service, topology, readings: () => topology.readings(), books: new Books(target) };
}

/** Two instances of our service behind nginx, with two healthy processors. */
export async function startOurs(
  { name, readingsBeside = () => [], ...service }: OurService,
  options: Pick<ContendersOptions, "limits" | "logLevel" | "nodeFlags">,
  signal: AbortSignal,
): Promise<Contender> {
  const { nodeFlags = [] } = options;
  const topology = await startLimited(options, "service", { label: name, nodeFlags, ...service }, signal);
  const { target } = topology;
  return {
    name,
    url: target.service,
    topology,
    readings: () => [...topology.readings(), ...readingsBeside()],
    books: new Books(target),
  };
}

/** The same nginx, under the same limits, in front of as many processes that only read the body and say 202. */
async function startFloor(name: FloorName, options: ContendersOptions, signal: AbortSignal): Promise<Contender> {
  const more = { label: name.replace(" ", "-"), ...(name === "floor" ? { processorUrls: NOBODY } : {}) };
  const topology = await startLimited(options, name, more, signal);
  return { name, url: topology.target.service, topology, readings: () => topology.readings(), books: undefined };
}

function startLimited(
  { limits, logLevel }: Pick<ContendersOptions, "limits" | "logLevel">,
  program: Program,
  more: Omit<LimitedTopologyOptions, "profile" | "port" | "fees" | "limits" | "logLevel">,
  signal: AbortSignal,
): Promise<LimitedTopology> {
  const shared = { profile: "contest", port: 0, fees: FEES, limits, logLevel } as const;
  return LimitedTopology.start({ ...shared, ...more }, program, signal);
}

function otherContender({ service, books, readings }: OtherTarget): Contender {
  return {
    name: "target",
    url: service,
    topology: undefined,
    readings,
    books: books === undefined ? undefined : new Books(books),
  };
}
