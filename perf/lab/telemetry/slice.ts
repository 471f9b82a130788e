import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "../contenders/child.ts";
import { readThreadUsage } from "../limits/thread-usage.ts";
import { failuresText, loadRound } from "../load/load-round.ts";
import type { BenchOptions } from "./command-line.ts";
import type { Comparison } from "./comparisons.ts";
import { SampledRequests } from "./sampled-requests.ts";

const SETTLE_TIMEOUT_MS = 60_000;
const LOOK_INTERVAL_MS = 50;
/** Of each load: connections open. Counted, as payments and CPU time are. */
const LEAD_IN_MS = 200;

/** What one instance did during a load, from its first payment until all are settled. */
export type Slice = {
  readonly paymentCount: number;
  readonly sampledCount: number;
  /** Times that the watcher looked. */
  readonly lookCount: number;
  readonly mainMs: number;
  readonly othersMs: number;
  readonly residentMb: number;
};

export type Target = {
  readonly instance: Child;
  readonly port: number;
  readonly watch: false | (Pick<Comparison, "sampledShare" | "watcher"> & { readonly sampledForMs: number });
};

type Begun = {
  readonly requests: SampledRequests;
  readonly end: (() => Promise<number>) | undefined;
};

/** Loads the instances at the same time, each with its part of the rate. */
export async function load(targets: readonly Target[], options: BenchOptions, signal: AbortSignal): Promise<Slice[]> {
  const before = targets.map(({ instance }) => readThreadUsage(instance.pid!));
  const begun = targets.map(begin);
  const counts = await Promise.all(
    targets.map(({ port }, i) => pay(port, begun[i]!.requests, targets, options, signal)),
  );
  await Promise.all(targets.map(({ port }) => settled(port)));
  const lookCounts = await Promise.all(begun.map(async ({ end }) => (await end?.()) ?? 0));
  return targets.map(({ instance }, i) => {
    const after = readThreadUsage(instance.pid!);
    return {
      paymentCount: counts[i]!,
      sampledCount: begun[i]!.requests.sampledCount,
      lookCount: lookCounts[i]!,
      mainMs: after.mainMs - before[i]!.mainMs,
      othersMs: after.othersMs - before[i]!.othersMs,
      residentMb: instance.residentMb(),
    };
  });
}

function begin({ port, watch }: Target): Begun {
  const { sampledShare, sampledForMs, watcher } = watch || { sampledShare: 0, sampledForMs: 0, watcher: undefined };
  const requests = new SampledRequests(urlOf(port), sampledShare, performance.now() + sampledForMs);
  return { requests, end: watcher?.(port) };
}

async function pay(
  port: number,
  requests: SampledRequests,
  { length }: readonly Target[],
  { ratePerSecond, durationMs }: BenchOptions,
  signal: AbortSignal,
): Promise<number> {
  const { acceptedCount, failedCount, failures } = await loadRound({
    target: urlOf(port),
    ratePerSecond: ratePerSecond / length,
    leadInMs: LEAD_IN_MS,
    durationMs: durationMs - LEAD_IN_MS,
    pacing: "timer",
    nextRequest: requests.next,
    signal,
  });
  if (failedCount > 0) throw new Error(`every payment must be accepted: failures=${failuresText(failures)}`);
  return acceptedCount;
}

/** Resolves when no payment is open any more. */
async function settled(port: number): Promise<void> {
  const endMs = performance.now() + SETTLE_TIMEOUT_MS;
  while (performance.now() < endMs) {
    const report = (await (await fetch(new URL("/ready", urlOf(port)))).json()) as {
      payments: { pending: number; sending: number; inDoubt: number; failed: number };
    };
    const { pending, sending, inDoubt, failed } = report.payments;
    if (failed > 0) throw new Error(`no payment may fail: failed=${failed}`);
    if (pending + sending + inDoubt === 0) return;
    await sleep(LOOK_INTERVAL_MS);
  }
  throw new Error(`payments must be settled in time: timeoutMs=${SETTLE_TIMEOUT_MS}`);
}

function urlOf(port: number): URL {
  return new URL(`http://127.0.0.1:${port}`);
}
