import { setTimeout as sleep } from "node:timers/promises";
import type { Topology } from "../../launch/topology.ts";
import type { PostgresPair } from "../../postgres/postgres-pair.ts";
import type { LabStore } from "./lab-store.ts";

export const INSTANCES = [1, 2] as const;
export type InstanceNumber = (typeof INSTANCES)[number];

const STORE_HOWS = ["primary", "store-gone"] as const;
const SINGLE_HOWS = ["kill", "term", "stop", "both", "rolling", "gone", ...STORE_HOWS] as const;
type SingleHow = (typeof SINGLE_HOWS)[number];
export const HOWS = [...SINGLE_HOWS, "mixed"] as const;
export type How = (typeof HOWS)[number];

/** What is done to whom. */
export type Injury = {
  readonly how: SingleHow;
  readonly instances: readonly InstanceNumber[];
  /** How long whoever is hit cannot act, where that is chosen. */
  readonly lastsMs: number;
};

const STOPS_MS = [1000, 20_000, 3000, 10_000, 1500, 6000];
const MIXED: readonly SingleHow[] = ["kill", "term", "kill", "stop", "kill", "rolling", "term", "both", "stop"];
/** For a start with a large journal on a machine that has other things to do. */
const RUNNING_TIMEOUT_MS = 60_000;

export function isHow(text: string): text is How {
  return (HOWS as readonly string[]).includes(text);
}

/** Whether it needs servers that may be killed. */
export function hurtsStore(how: How): boolean {
  return (STORE_HOWS as readonly string[]).includes(how);
}

/** The same for the same number, which counts from 0: one instance after the other has its turn. */
export function injuryOf(how: How, number: number, awayMs: number): Injury {
  const single = how === "mixed" ? MIXED[number % MIXED.length]! : how;
  const isAway = single === "gone" || single === "store-gone";
  const lastsMs = single === "stop" ? STOPS_MS[number % STOPS_MS.length]! : isAway ? awayMs : 0;
  // A store that is hurt hurts everybody.
  const areAll = single === "both" || single === "rolling" || hurtsStore(single);
  return { how: single, instances: areAll ? INSTANCES : [INSTANCES[number % INSTANCES.length]!], lastsMs };
}

/** The longest that an injury can take, its healing included. */
export function injuryMsMax({ instances, lastsMs }: Injury): number {
  return lastsMs + instances.length * RUNNING_TIMEOUT_MS;
}

/** Resolves when everybody who was hit is running again. `store`: where the injury is the store's. */
export async function injure(
  topology: Topology,
  store: LabStore | undefined,
  injury: Injury,
  signal: AbortSignal,
): Promise<void> {
  if (hurtsStore(injury.how)) await injureStore(store!.pair, injury, signal);
  else await injureInstances(topology, injury, signal);
}

/** A primary that was replaced has no standby yet when this resolves. */
async function injureStore(pair: PostgresPair, { how, lastsMs }: Injury, signal: AbortSignal): Promise<void> {
  if (how === "primary") return await pair.failOver();
  await pair.primary.kill();
  try {
    await sleep(lastsMs, undefined, { signal });
  } finally {
    await pair.primary.start();
  }
}

async function injureInstances(
  topology: Topology,
  { how, instances, lastsMs }: Injury,
  signal: AbortSignal,
): Promise<void> {
  const names = instances.map((instance) => `instance-${instance}` as const);
  if (how === "rolling") {
    for (const name of names) await inTime(topology.restart(name), name);
    return;
  }
  if (how === "stop") {
    for (const name of names) topology.signal(name, "SIGSTOP");
    await sleep(lastsMs, undefined, { signal });
    for (const name of names) topology.signal(name, "SIGCONT");
    return;
  }
  topology.autoRestart = how !== "gone";
  await Promise.all(names.map((name) => inTime(topology.kill(name, how === "term" ? "SIGTERM" : "SIGKILL"), name)));
  if (how === "gone") {
    await sleep(lastsMs, undefined, { signal });
    topology.autoRestart = true;
    for (const name of names) await inTime(topology.restart(name), name);
  }
  await Promise.all(names.map((name) => inTime(topology.running(name), name)));
}

async function inTime(happening: Promise<unknown>, name: string): Promise<void> {
  const calm = new AbortController();
  const timeout = sleep(RUNNING_TIMEOUT_MS, undefined, { signal: calm.signal }).then(() => {
    throw new Error(`an instance must run again in time: name=${name} timeoutMs=${RUNNING_TIMEOUT_MS}`);
  });
  try {
    await Promise.race([happening, timeout]);
  } finally {
    calm.abort();
    timeout.catch(() => {});
  }
}
