import type { SummaryPart } from "../payments/summary.ts";
import type { Time } from "../system/time.ts";
import type { Custody } from "./custody.ts";
import type { Partition } from "./partition.ts";
import { REACH_MS } from "./reach.ts";

const AGAIN_MS = 20;

/** Asks for the parts of some partitions; a part that cannot be had is left out. "unsafe": one may not be told. */
export type AskParts = (timeoutMs: number) => Promise<readonly SummaryPart[] | "unsafe">;

/**
 * The parts of all partitions, each exactly once and by its latest carrier, or undefined where they cannot all be had
 * within REACH_MS: a partition may be changing hands.
 */
export async function wholeOf(
  custody: Custody,
  time: Time,
  ask: AskParts,
): Promise<SummaryPart[] | "unsafe" | undefined> {
  const untilMs = time.monotonicMs() + REACH_MS;
  for (;;) {
    const leftMs = untilMs - time.monotonicMs();
    if (leftMs <= 0) return undefined;
    const told = await ask(leftMs);
    if (told === "unsafe") return told;
    const parts = latestOf(custody, told);
    const missing = parts.indexOf(undefined);
    if (missing < 0 && (await custody.areCurrent(parts.map(epochOf), untilMs - time.monotonicMs())))
      return parts as SummaryPart[];
    if (missing >= 0 && custody.place(missing) === "silent") return undefined;
    await custody.changed(Math.min(AGAIN_MS, Math.max(1, untilMs - time.monotonicMs())));
  }
}

/** Where each partition is once all are carried; undefined when they are not within REACH_MS. */
export async function everyPlace(
  custody: Custody,
  time: Time,
): Promise<(Partition | { instance: number })[] | undefined> {
  const untilMs = time.monotonicMs() + REACH_MS;
  for (;;) {
    const places = Array.from({ length: custody.partitionCount }, (_, partition) => custody.place(partition));
    const known = places.filter((place) => typeof place === "object");
    if (known.length === places.length) return known;
    const leftMs = untilMs - time.monotonicMs();
    if (places.includes("silent") || leftMs <= 0) return undefined;
    await custody.changed(leftMs);
  }
}

function epochOf(part: SummaryPart | undefined): number {
  return part!.epoch;
}

/** By partition. What a former carrier says is nothing: the later one has it all. */
function latestOf(custody: Custody, parts: readonly SummaryPart[]): (SummaryPart | undefined)[] {
  const latest: (SummaryPart | undefined)[] = Array.from({ length: custody.partitionCount }, () => undefined);
  for (const part of parts) {
    const { partition, epoch } = part;
    if (partition >= latest.length || !custody.carriers.isCurrent(partition, epoch)) continue;
    if (epoch >= (latest[partition]?.epoch ?? 0)) latest[partition] = part;
  }
  return latest;
}
