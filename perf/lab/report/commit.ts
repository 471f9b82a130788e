import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { REPOSITORY_ROOT } from "../repository.ts";
import type { Commit } from "./result.ts";

const SHORT_HASH_LENGTH = 8;

/**
 * The commit that is checked out; `undefined` outside git, as in an archive of the sources. Saved results do not make
 * it dirty.
 */
export function describeCommit(): Commit | undefined {
  try {
    if (realpathSync(git("rev-parse", "--show-toplevel")) !== realpathSync(REPOSITORY_ROOT)) return undefined;
    const hash = git("rev-parse", "HEAD");
    return { hash, isDirty: git("status", "--porcelain", "--", ".", ":(exclude)perf/results") !== "" };
  } catch {
    return undefined;
  }
}

/** `16bd539a`, `16bd539a-dirty`. */
export function commitText({ hash, isDirty }: Commit): string {
  return `${hash.slice(0, SHORT_HASH_LENGTH)}${isDirty ? "-dirty" : ""}`;
}

function git(...args: string[]): string {
  return execFileSync("git", args, {
    cwd: REPOSITORY_ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
