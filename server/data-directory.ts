import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * The rule that a directory for data breaks, as far as can be seen without making it; undefined if it is there or can
 * be made.
 */
export function dataDirectoryRule(path: string): string | undefined {
  const existing = nearestExisting(resolve(path));
  try {
    if (!statSync(existing).isDirectory()) return `must be a directory, and ${existing} is none`;
    accessSync(existing, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return `must be a directory that can be written, and ${existing} cannot (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** The path itself or what is nearest above it; the root is always there. */
function nearestExisting(path: string): string {
  for (let existing = path; ; existing = dirname(existing)) {
    try {
      statSync(existing);
      return existing;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const isMissing = code === "ENOENT" || code === "ENOTDIR";
      if (!isMissing || existing === dirname(existing)) return existing;
    }
  }
}
