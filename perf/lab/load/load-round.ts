import { CpuMeter } from "../contest/environment.ts";
import { scheduleArrivals } from "./arrivals.ts";
import { type LoadSummary, summarise } from "./load-summary.ts";
import { OpenLoop } from "./open-loop.ts";
import type { Pacing } from "./pacer.ts";

export type LoadRoundOptions = {
  readonly target: URL;
  readonly ratePerSecond: number;
  /** Before what counts, at the same rate: connections open, queues find their length. */
  readonly leadInMs: number;
  readonly durationMs: number;
  readonly pacing: Pacing;
  /** Calls it off. */
  readonly signal: AbortSignal;
};

/** A payment that nobody answers for so long has failed. */
const TIMEOUT_MS = 5000;
/** nginx has 4096 connections and needs two for a request. */
const CONNECTION_COUNT_MAX = 1024;

export type LoadRound = LoadSummary & {
  readonly ratePerSecond: number;
  readonly connectionCount: number;
  /** From the beginning of the lead-in until the last answer. */
  readonly elapsedMs: number;
  /** CPU time over that time: 1 is one CPU. */
  readonly generatorCpuShare: number;
  /** Of the whole machine, all CPUs together; `undefined` where the system does not tell. */
  readonly machineCpuShare: number | undefined;
};

/** One load at a constant rate. Rejects when it is called off. */
export async function loadRound(options: LoadRoundOptions): Promise<LoadRound> {
  const { target, ratePerSecond, leadInMs, durationMs, pacing, signal } = options;
  signal.throwIfAborted();
  const dueMs = scheduleArrivals([
    { ratePerSecond, durationMs: leadInMs },
    { ratePerSecond, durationMs },
  ]);
  const load = new OpenLoop({ target, dueMs, timeoutMs: TIMEOUT_MS, connectionCountMax: CONNECTION_COUNT_MAX, pacing });
  const callOff = (): void => load.close();
  signal.addEventListener("abort", callOff, { once: true });
  const meter = new CpuMeter();
  const beganAtMs = performance.now();
  try {
    const record = await load.run();
    signal.throwIfAborted();
    const elapsedMs = performance.now() - beganAtMs;
    const { generatorCpuSeconds, machineCpu } = meter.end();
    return {
      ...summarise(record, leadInMs),
      ratePerSecond,
      connectionCount: load.connectionCount,
      elapsedMs,
      generatorCpuShare: (generatorCpuSeconds * 1000) / elapsedMs,
      machineCpuShare: machineCpu === undefined ? undefined : (machineCpu.busySeconds * 1000) / elapsedMs,
    };
  } finally {
    signal.removeEventListener("abort", callOff);
  }
}

/** As it goes into a result's details. */
export function roundDetails(round: LoadRound): object {
  const { latencyMs, serviceMs, latenessMs, ...rest } = round;
  return {
    ...rest,
    latencyMs: latencyMs.distribution,
    serviceMs: serviceMs.distribution,
    latenessMs: latenessMs.distribution,
  };
}

/** `status 503: 12, timeout: 1`; empty without failures. */
export function failuresText(failures: Readonly<Record<string, number>>): string {
  return Object.entries(failures)
    .map(([reason, count]) => `${reason}: ${count}`)
    .join(", ");
}
