import { syncDataLater } from "../system/disk.ts";
import type { JournalDirectory } from "./journal-directory.ts";
import type { Recovered } from "./recover.ts";

/**
 * Carries out what `recover` found: cuts off the torn end and removes what is obsolete. Where a loss of power matters,
 * `makeDurable` comes first.
 */
export async function tidy(directory: JournalDirectory, recovered: Recovered): Promise<void> {
  cutTornEnd(directory, recovered);
  if (recovered.torn) {
    const file = directory.disk.open(directory.filePath(recovered.torn.name), "write");
    // The segments after this one would make damage of an end that comes back.
    await syncDataLater(file).finally(() => file.close());
  }
  // A checkpoint may have its name only in the page cache.
  if (recovered.obsolete.length > 0) await directory.syncLater();
  removeObsolete(directory, recovered);
}

export function cutTornEnd(directory: JournalDirectory, recovered: Recovered): void {
  if (!recovered.torn) return;
  const file = directory.disk.open(directory.filePath(recovered.torn.name), "write");
  try {
    file.truncate(recovered.torn.soundBytes);
  } finally {
    file.close();
  }
}

export function removeObsolete(directory: JournalDirectory, recovered: Recovered): void {
  for (const { name } of recovered.obsolete) directory.remove(name);
  directory.removePartials();
}
