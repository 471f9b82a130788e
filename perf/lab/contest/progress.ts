import type { Round } from "./consistency.ts";
import type { Recorder } from "./recorder.ts";
import { type Stage, stageAt, stageText } from "./stages.ts";

/** Seconds that the line tells of. */
const LOOK_BACK = 5;

/** Where the run stands. */
export function progressLine(
  stages: readonly Stage[],
  now: { readonly nowMs: number; readonly activeUserCount: number },
  recorder: Recorder,
  audits: readonly Round[],
): string {
  const { nowMs, activeUserCount } = now;
  const { seconds, lateness } = recorder.times();
  const lately = seconds.slice(Math.max(0, Math.floor(nowMs / 1000) - LOOK_BACK));
  const p99Ms = Math.max(0, ...lately.map((second) => second.p99Ms));
  const differentCount = audits.filter((round) => round.differenceCount > 0).length;
  // While the load drains away nothing has changed at the processors.
  const stage = stages[stageAt(stages, nowMs)];
  return [
    `${Math.round(nowMs / 1000)} s`.padStart(5),
    `users ${activeUserCount}`,
    `accepted ${recorder.load.acceptedCount}`,
    `failed ${recorder.load.failedCount}`,
    `worst p99 of a second ${p99Ms.toFixed(2)} ms`,
    `late p99 ${lateness.p99Ms.toFixed(2)} ms`,
    `audits ${audits.length}, different ${differentCount}`,
    stage === undefined ? "" : stageText(stage),
  ].join("  ");
}
