import { isAccepted } from "../load/load-record.ts";
import { Samples } from "../load/samples.ts";
import type { Campaign, InjuryTimes } from "./campaign.ts";
import type { InstanceNumber } from "./injury.ts";
import { firstChoiceOf } from "./owner.ts";

/** What clients noticed of one injury. */
export type Aftermath = {
  readonly how: InjuryTimes["how"];
  readonly instances: readonly InstanceNumber[];
  readonly healedAfterMs: number;
  readonly paymentCount: number;
  /** Answers other than 2xx, and none. */
  readonly failedCount: number;
  readonly over400MsCount: number;
  readonly over1sCount: number;
  readonly longestMs: number;
  /** By whose first choice was hit; NaN where there is no such payment. */
  readonly hit: Half;
  readonly other: Half;
};

type Half = {
  readonly p99BeforeMs: number;
  /** Until everybody ran again. */
  readonly p99DuringMs: number;
};

/** As long before an injury nothing was wrong any more. */
const BEFORE_MS = 3000;
/** Where everything is healed within milliseconds, there must be some payments to look at all the same. */
const DURING_MS_MIN = 1000;

export function aftermathsOf({ injuries, record, correlationIds }: Campaign): Aftermath[] {
  const { dueMs, endedMs, statuses } = record;
  const firstChoices = correlationIds.map((id) => (id === undefined ? undefined : firstChoiceOf(id)));
  const latencyMs = (i: number): number => endedMs[i]! - dueMs[i]!;

  function p99Ms(fromMs: number, toMs: number, isWanted: (firstChoice: InstanceNumber) => boolean): number {
    const values: number[] = [];
    for (let i = firstDueAt(dueMs, fromMs); i < dueMs.length && dueMs[i]! < toMs; i++) {
      const firstChoice = firstChoices[i];
      if (firstChoice !== undefined && isWanted(firstChoice)) values.push(latencyMs(i));
    }
    return values.length === 0 ? Number.NaN : new Samples(values).at(99);
  }

  return injuries.map(({ how, instances, beganMs, healedMs, endedMs: overMs }, number) => {
    // What was out when it began is hit as well.
    const fromMs = number === 0 ? 0 : injuries[number - 1]!.beganMs;
    const counted: number[] = [];
    for (let i = firstDueAt(dueMs, fromMs); i < dueMs.length && dueMs[i]! < overMs; i++) {
      if (endedMs[i]! >= beganMs) counted.push(i);
    }
    const latencies = counted.map(latencyMs);
    const half = (isWanted: (firstChoice: InstanceNumber) => boolean): Half => ({
      p99BeforeMs: p99Ms(beganMs - BEFORE_MS, beganMs, isWanted),
      p99DuringMs: p99Ms(beganMs, Math.max(healedMs, beganMs + DURING_MS_MIN), isWanted),
    });
    return {
      how,
      instances,
      healedAfterMs: healedMs - beganMs,
      paymentCount: counted.length,
      failedCount: counted.filter((i) => !isAccepted(statuses[i]!)).length,
      over400MsCount: latencies.filter((ms) => ms > 400).length,
      over1sCount: latencies.filter((ms) => ms > 1000).length,
      longestMs: latencies.reduce((longest, ms) => Math.max(longest, ms), 0),
      hit: half((firstChoice) => instances.includes(firstChoice)),
      other: half((firstChoice) => !instances.includes(firstChoice)),
    };
  });
}

/** The number of the first payment that is due then or later: they are in order. */
function firstDueAt(dueMs: Float64Array, atMs: number): number {
  let low = 0;
  let high = dueMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (dueMs[middle]! < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
