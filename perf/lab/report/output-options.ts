import { join, resolve } from "node:path";
import { flags, type OptionValues, texts } from "../../command/command-line.ts";
import { REPOSITORY_ROOT } from "../repository.ts";

/** Where a command leaves its result, and how it prints it. */
export const OUTPUT_OPTIONS = { ...texts("out"), ...flags("no-save", "json") };

export const OUTPUT_USAGE = `  --out DIR                where the result is saved, as JSON and as a page (perf/results)
  --no-save                only print it
  --json                   print the result as JSON, without tables and progress`;

export const RESULTS_DIR = join(REPOSITORY_ROOT, "perf", "results");

/** For `finish`; `undefined` means that nothing is saved. A relative DIR is one of the working directory. */
export function readOutDir(values: OptionValues<typeof OUTPUT_OPTIONS>): string | undefined {
  if (values["no-save"] !== true) return values.out === undefined ? RESULTS_DIR : resolve(values.out);
  if (values.out !== undefined) throw new Error(`out must come without --no-save: out=${values.out}`);
  return undefined;
}
