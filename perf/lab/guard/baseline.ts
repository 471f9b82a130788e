import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { RESULTS_DIR } from "../report/output-options.ts";
import type { Result } from "../report/result.ts";
import { findResult, readResult } from "../report/saved-result.ts";

const KIND = "cost";

/** The result of perf:cost to compare with. Throws a one-line error where there is none. */
export function readBaseline(wish: string | undefined, folder = RESULTS_DIR): Result {
  const baseline = readResult(wish === undefined ? newestKept(folder) : findResult(wish));
  if (baseline.kind === KIND) return baseline;
  throw new Error(`the baseline must be a result of perf:${KIND}: baseline=${wish} kind=${baseline.kind}`);
}

/** Their names begin with when they were measured. */
function newestKept(folder: string): string {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  // Of a tree with changes nobody knows what was measured.
  const kept = names.filter((name) => new RegExp(`^[0-9-]+-${KIND}-[0-9a-f]+(-\\d+)?\\.json$`).test(name)).sort();
  const newest = kept.at(-1);
  if (newest !== undefined) return join(folder, newest);
  throw new Error(`a baseline must be kept: folder=${folder} (make one with npm run perf:${KIND}, on a clean commit)`);
}

/** The rate it was measured at; `undefined` where it does not say. */
export function rateOf({ options }: Result): number | undefined {
  const rate = (options as { readonly ratePerSecond?: unknown } | null)?.ratePerSecond;
  return typeof rate === "number" ? rate : undefined;
}
