import { partitionsByLastByte } from "../../../server/partition/partition-map.ts";
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
  /** Of an answer other than 2xx. */
  readonly longestRefusalMs: number;
  /** The longest time for which a partition accepted no payment; 0 where none was refused. */
  readonly longestOutageMs: number;
  /** From when everybody ran again, or the store did, until every partition that had refused payments accepted one. */
  readonly answeredAfterHealingMs: number;
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

export function aftermathsOf({ injuries, record, correlationIds, partitionCount }: Campaign): Aftermath[] {
  const { dueMs, endedMs, statuses } = record;
  const firstChoices = correlationIds.map((id) => (id === undefined ? undefined : firstChoiceOf(id)));
  const byLastByte = partitionsByLastByte(partitionCount);
  const partitions = correlationIds.map((id) => (id === undefined ? -1 : byLastByte[lastByteOf(id)]!));
  const latencyMs = (i: number): number => endedMs[i]! - dueMs[i]!;

  function p99Ms(fromMs: number, toMs: number, isWanted: (firstChoice: InstanceNumber) => boolean): number {
    const values: number[] = [];
    for (let i = firstDueAt(dueMs, fromMs); i < dueMs.length && dueMs[i]! < toMs; i++) {
      const firstChoice = firstChoices[i];
      if (firstChoice !== undefined && isWanted(firstChoice)) values.push(latencyMs(i));
    }
    return values.length === 0 ? Number.NaN : new Samples(values).at(99);
  }

  /** When partitions refused payments: from when the first was due to the end of the next that was accepted. */
  function outagesMs(beganMs: number, overMs: number): { fromMs: number; toMs: number }[] {
    const sinceMs = new Map<number, number>();
    const outages: { fromMs: number; toMs: number }[] = [];
    for (let i = firstDueAt(dueMs, beganMs); i < dueMs.length && (dueMs[i]! < overMs || sinceMs.size > 0); i++) {
      const partition = partitions[i]!;
      const fromMs = sinceMs.get(partition);
      if (isAccepted(statuses[i]!)) {
        if (fromMs !== undefined) outages.push({ fromMs, toMs: endedMs[i]! });
        sinceMs.delete(partition);
      } else if (partition >= 0 && fromMs === undefined && dueMs[i]! < overMs) sinceMs.set(partition, dueMs[i]!);
    }
    return [...outages, ...[...sinceMs.values()].map((fromMs) => ({ fromMs, toMs: Number.POSITIVE_INFINITY }))];
  }

  return injuries.map(({ how, instances, beganMs, healedMs, endedMs: overMs }, number) => {
    // What was out when it began is hit as well.
    const fromMs = number === 0 ? 0 : injuries[number - 1]!.beganMs;
    const counted: number[] = [];
    for (let i = firstDueAt(dueMs, fromMs); i < dueMs.length && dueMs[i]! < overMs; i++) {
      if (endedMs[i]! >= beganMs) counted.push(i);
    }
    const latencies = counted.map(latencyMs);
    const refusals = counted.filter((i) => !isAccepted(statuses[i]!));
    const outages = outagesMs(beganMs, overMs);
    const half = (isWanted: (firstChoice: InstanceNumber) => boolean): Half => ({
      p99BeforeMs: p99Ms(beganMs - BEFORE_MS, beganMs, isWanted),
      p99DuringMs: p99Ms(beganMs, Math.max(healedMs, beganMs + DURING_MS_MIN), isWanted),
    });
    return {
      how,
      instances,
      healedAfterMs: healedMs - beganMs,
      paymentCount: counted.length,
      failedCount: refusals.length,
      longestRefusalMs: refusals.reduce((longest, i) => Math.max(longest, latencyMs(i)), 0),
      longestOutageMs: Math.max(0, ...outages.map(({ fromMs, toMs }) => toMs - fromMs)),
      answeredAfterHealingMs: Math.max(
        0,
        ...outages.filter(({ fromMs }) => fromMs < healedMs).map(({ toMs }) => toMs - healedMs),
      ),
      over400MsCount: latencies.filter((ms) => ms > 400).length,
      over1sCount: latencies.filter((ms) => ms > 1000).length,
      longestMs: latencies.reduce((longest, ms) => Math.max(longest, ms), 0),
      hit: half((firstChoice) => instances.includes(firstChoice)),
      other: half((firstChoice) => !instances.includes(firstChoice)),
    };
  });
}

function lastByteOf(correlationId: string): number {
  return Number.parseInt(correlationId.slice(-2), 16);
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
