import { unlinkSync } from "node:fs";

/** Removes the unix socket that an earlier life may have left at `path`; there may be none. */
export function removeLeftSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nothing was left there, or listening will tell what is wrong.
  }
}
