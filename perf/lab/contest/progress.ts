import type { Load } from "../load/user-load.ts";
import type { Round } from "./consistency.ts";
import type { Recorder } from "./recorder.ts";
import { type Stage, stageAt, stageText } from "./stages.ts";

/** Seconds that the line tells of. */
const LOOK_BACK = 5;

/** Where the run stands. */
export function progressLine(
  stages: readonly Stage[],
  load: Pick<Load, "nowMs" | "activeUserCount">,
  recorder: Recorder,
  audits: readonly Round[],
): string {
  const nowMs = load.nowMs;
  const seconds = recorder.seconds(Math.max(0, Math.floor(nowMs / 1000) - LOOK_BACK));
  const p99Ms = Math.max(0, ...seconds.map((second) => second.p99Ms));
  const differentCount = audits.filter((round) => round.differenceCount > 0).length;
  // While the load drains away nothing has changed at the processors.
  const stage = stages[stageAt(stages, nowMs)];
  return [
    `${Math.round(nowMs / 1000)} s`.padStart(5),
    `users ${load.activeUserCount}`,
    `accepted ${recorder.acceptedCount}`,
    `failed ${recorder.failedCount}`,
    `worst p99 of a second ${p99Ms.toFixed(2)} ms`,
    `late p99 ${recorder.lateness.p99Ms.toFixed(2)} ms`,
    `audits ${audits.length}, different ${differentCount}`,
    stage === undefined ? "" : stageText(stage),
  ].join("  ");
}
