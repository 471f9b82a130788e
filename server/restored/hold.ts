import type { Engine } from "../../core/engine.ts";
import { WATERMARK_STEP_MS } from "../../core/log/watermark-bound.ts";
import type { RestoredMark } from "../store/restored-mark.ts";
import type { Storage } from "../store/store.ts";

export type RestoredSettings = {
  restored: boolean;
  restoredGraceMs: number;
  restoredWatchMs: number;
  requestTimeoutMs: number;
};

/**
 * Makes the engine hold every payment that is not settled, where records after the end of its log may be lost:
 * because the settings or the store say so, or because an earlier start with such data is not finished. Returns the
 * mark that is to be removed when it is.
 */
export function holdRestored(
  { restored, restoredGraceMs, restoredWatchMs, requestTimeoutMs }: RestoredSettings,
  engine: Engine,
  storage: Pick<Storage, "restoredMark" | "latestMs">,
  nowMs: number,
): RestoredMark | undefined {
  const mark = storage.restoredMark;
  if (mark === undefined) return undefined;
  const unfinished = mark.read();
  if (!restored && unfinished === undefined) return undefined;
  // What was written since an unfinished start does not make up for what was lost before it.
  // The log may be ahead of its records by as much as it reserves for watermarks.
  const writtenMs = Math.max(0, storage.latestMs - WATERMARK_STEP_MS);
  const lostFromMs = Math.min(unfinished?.lostFromMs ?? Number.POSITIVE_INFINITY, writtenMs);
  const sinceMs = restored ? nowMs : (unfinished?.sinceMs ?? nowMs);
  mark.write({ lostFromMs, sinceMs });
  const graceUntilMs = nowMs + Math.max(restoredGraceMs, requestTimeoutMs);
  engine.hold({ lostFromMs, graceUntilMs, watchUntilMs: sinceMs + restoredWatchMs });
  return mark;
}
