import type { JournalDirectory } from "./journal-directory.ts";
import type { Recovered } from "./recover.ts";
import { RecoveryError } from "./recovery-error.ts";

/**
 * How far the journal's time may be ahead of the wall clock: more is no clock that was set by hand, and would take
 * weeks to slew.
 */
const AHEAD_MS_MAX = 86_400_000;

/**
 * Throws RecoveryError when the journal knows a time so far ahead of the wall clock that one of them must be wrong.
 * Payments would be stamped with it until the wall clock gets there.
 */
export function expectClockAgrees(directory: JournalDirectory, { latestMs }: Recovered, wallMs: number): void {
  if (latestMs - wallMs <= AHEAD_MS_MAX) return;
  const times = `journal=${isoText(latestMs)} clock=${isoText(wallMs)}`;
  throw new RecoveryError(
    `the journal's latest time may be at most 24 h ahead of the clock: ${times} directory=${directory.path}; ` +
      `if the clock is right now, let time begin again with: npm run journal -- set-clock ${directory.path}`,
  );
}

function isoText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
