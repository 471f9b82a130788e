import { CpuMeter } from "../limits/cpu-meter.ts";
import { ArrivalSchedule, arrivalsMs } from "./arrival-schedule.ts";
import { LoadGenerator } from "./load-generator.ts";
import { type LoadSummary, summarise } from "./load-summary.ts";
import { paymentBody } from "./payment-request.ts";
import { closedLoop } from "./user-schedule.ts";

/**
 * `thread` is exact to 0.1 ms (see ThreadPacer), `timer` to 1 ms at half the CPU: payments leave in batches, half a
 * millisecond late.
 */
export type Pacing = "thread" | "timer";

export type LoadRoundOptions = {
  readonly target: URL;
  readonly ratePerSecond: number;
  /** Before what counts, at the same rate: connections open, queues find their length. */
  readonly leadInMs: number;
  readonly durationMs: number;
  readonly pacing: Pacing;
  /** See LoadOptions. */
  readonly nextRequest?: () => string;
  /** Calls it off. */
  readonly signal: AbortSignal;
};

/** A payment that nobody answers for so long has failed. */
const TIMEOUT_MS = 5000;
/** nginx needs two of its worker_connections for a request. */
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
  const { target, ratePerSecond, leadInMs, durationMs, pacing, nextRequest, signal } = options;
  signal.throwIfAborted();
  const dueMs = arrivalsMs([
    { ratePerSecond, durationMs: leadInMs },
    { ratePerSecond, durationMs },
  ]);
  const load = new LoadGenerator({
    target,
    schedule: new ArrivalSchedule(dueMs, CONNECTION_COUNT_MAX),
    timeoutMs: TIMEOUT_MS,
    exactDueMs: pacing === "thread" ? dueMs : undefined,
    // One that grew in a burst shall not connect anew in the next: what the server closes is forgotten anyway.
    idleMsMax: Number.POSITIVE_INFINITY,
    nextRequest,
  });
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

/** One load of everybody paying again as soon as the last payment is answered. */
export async function closedLoopRound(
  target: URL,
  userCount: number,
  durationMs: number,
  nextBody = paymentBody,
): Promise<LoadSummary> {
  const schedule = closedLoop(userCount, durationMs);
  return summarise(await new LoadGenerator({ target, schedule, timeoutMs: TIMEOUT_MS, nextBody }).run());
}

/** As it goes into a result's details. */
export function roundDetails(round: LoadRound): object {
  const { latencyMs, serviceMs, latenessMs, ...rest } = round;
  return {
    ...rest,
    latencyMs: latencyMs.percentiles,
    serviceMs: serviceMs.percentiles,
    latenessMs: latenessMs.percentiles,
  };
}

/** `status 503: 12, timeout: 1`; empty without failures. */
export function failuresText(failures: Readonly<Record<string, number>>): string {
  return Object.entries(failures)
    .map(([reason, count]) => `${reason}: ${count}`)
    .join(", ");
}
