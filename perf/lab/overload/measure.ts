import { say } from "../../command/run-command.ts";
import type { Settlement } from "../contenders/books.ts";
import type { Contender } from "../contenders/contender.ts";
import { CpuMeter, type MeteredCpu } from "../limits/cpu-meter.ts";
import { type UsageBetween, usageBetween } from "../limits/usage-between.ts";
import { ArrivalSchedule, arrivalsMs } from "../load/arrival-schedule.ts";
import { LoadGenerator } from "../load/load-generator.ts";
import type { LoadRecord } from "../load/load-record.ts";
import { CertainRefusals } from "./certain-refusals.ts";
import type { OverloadOptions } from "./command-line.ts";
import { progressText } from "./progress.ts";
import { SlowClients } from "./slow-clients.ts";
import { type Stages, summariseStages } from "./stages.ts";

/** One overload, with the calm before it and after it. */
export type OverloadRound = {
  readonly round: number;
  readonly stages: Stages;
  readonly failures: Readonly<Record<string, number>>;
  /** Refused, but perhaps accepted all the same; or not answered at all. */
  readonly uncertainCount: number;
  readonly acceptedCount: number;
  readonly usage: readonly UsageBetween[];
  readonly cpu: MeteredCpu;
  readonly elapsedMs: number;
  /** Still connected at the end. */
  readonly slowClientCount: number;
  /** `undefined`: nobody can tell what was charged. */
  readonly settlement: Settlement | undefined;
};

/** Before what counts: connections open, queues find their length. */
const LEAD_IN_MS = 1000;
/** A payment that nobody answers for so long has failed. */
const TIMEOUT_MS = 5000;
/** How long after the load everything must be processed at the latest. */
const SETTLE_WAIT_MS = 60_000;

/** One round; `capacity` in payments per second. Rejects when it is called off. */
export async function measureOverload(
  contender: Contender,
  round: number,
  capacity: number,
  options: OverloadOptions,
  signal: AbortSignal,
): Promise<OverloadRound> {
  const { url, topology, books } = contender;
  // What somebody else has started is not ours to empty.
  if (topology !== undefined) await books?.purge();
  await books?.open();
  const slowClients = new SlowClients(url);
  try {
    await slowClients.open(options.slowClientCount);
    const before = contender.readings();
    const meter = new CpuMeter();
    const beganAtMs = performance.now();
    const refusals = new CertainRefusals();
    const record = await offer(contender, capacity, options, refusals, signal);
    const elapsedMs = performance.now() - beganAtMs;
    const measured = {
      round,
      stages: summariseStages(record, { ...options, leadInMs: LEAD_IN_MS }),
      failures: record.failures,
      acceptedCount: record.acceptedCount,
      uncertainCount: record.failedCount - refusals.count - (record.failures["no free connection"] ?? 0),
      usage: usageBetween(before, contender.readings(), elapsedMs),
      cpu: meter.end(),
      elapsedMs,
      slowClientCount: slowClients.connectedCount,
    };
    const settlement = await books?.settle(measured.acceptedCount, measured.uncertainCount, SETTLE_WAIT_MS);
    say(progressText(measured, settlement));
    return { ...measured, settlement };
  } finally {
    slowClients.close();
  }
}

async function offer(
  { url }: Contender,
  capacity: number,
  { multiple, durationMs, calmMs, connectionCountMax }: OverloadOptions,
  refusals: CertainRefusals,
  signal: AbortSignal,
): Promise<LoadRecord> {
  signal.throwIfAborted();
  const dueMs = arrivalsMs([
    { ratePerSecond: capacity / 2, durationMs: LEAD_IN_MS + calmMs },
    { ratePerSecond: capacity * multiple, durationMs },
    { ratePerSecond: capacity / 2, durationMs: calmMs },
  ]);
  const load = new LoadGenerator({
    target: url,
    schedule: new ArrivalSchedule(dueMs, connectionCountMax, connectionCountMax),
    timeoutMs: TIMEOUT_MS,
    idleMsMax: Number.POSITIVE_INFINITY,
    onAnswer: refusals.note,
  });
  const callOff = (): void => load.close();
  signal.addEventListener("abort", callOff, { once: true });
  try {
    const record = await load.run();
    signal.throwIfAborted();
    return record;
  } finally {
    signal.removeEventListener("abort", callOff);
  }
}
