import { commitText } from "./commit.ts";
import type { Result } from "./result.ts";
import { resultName } from "./result-name.ts";

/** Of a file in perf/results that is in git. */
export const KEPT_BYTES_MAX = 65_536;

/**
 * Why a result does not belong into git; `undefined` if it does. `name` is its file's, `docs` the text that may cite
 * it.
 */
export function whyNotKept(name: string, json: string, docs: string): string | undefined {
  const result = JSON.parse(json) as Result;
  const { commit } = result;
  if (commit === undefined || commit.isDirty) {
    return `a kept result must be of a clean commit: file=${name} commit=${commit && commitText(commit)}`;
  }
  if (!new RegExp(`^${resultName(result)}(-\\d+)?\\.json$`).test(name)) {
    return `a kept result must have the name it was saved under: file=${name} name=${resultName(result)}`;
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > KEPT_BYTES_MAX) {
    return `a kept result must be small (npm run perf:report -- RESULT --keep): file=${name} bytes=${bytes}`;
  }
  return docs.includes(name) ? undefined : `a kept result must be cited by the documentation: file=${name}`;
}

/** The result without its details, which neither the page's charts nor a comparison need. */
export function plainResult({ details: _, ...rest }: Result): Omit<Result, "details"> {
  return rest;
}

/** The result as it is kept. */
export function keptJson(result: Result): string {
  return `${JSON.stringify(plainResult(result))}\n`;
}
