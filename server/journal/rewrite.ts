import { readFully, writeFully } from "../system/disk.ts";
import type { JournalDirectory } from "./journal-directory.ts";
import type { Recovered } from "./recover.ts";

const CHUNK_BYTES = 1 << 20;

/**
 * Makes what was replayed safe from a loss of power, before anybody is answered from it and before anything that it
 * replaces is removed. Syncing what was found would not do: a kernel that could not write a page, of a file or of the
 * directory, may have taken it for written since, and would never try again. So what was read is written into new
 * files, which take their places once they are safe. To be called before `tidy`.
 */
export function makeDurable(directory: JournalDirectory, recovered: Recovered): void {
  directory.removePartials();
  for (const { name, soundBytes } of recovered.unsafe) rewrite(directory, name, soundBytes);
  directory.sync();
}

function rewrite(directory: JournalDirectory, name: string, bytes: number): void {
  const { disk } = directory;
  const path = directory.filePath(name);
  const partial = directory.partialPath(path);
  const found = disk.open(path, "read");
  const made = disk.create(partial);
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytes));
    for (let done = 0; done < bytes; done += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, bytes - done);
      readFully(found, chunk, length, done);
      writeFully(made, chunk, length, done);
    }
    made.syncData();
  } finally {
    found.close();
    made.close();
  }
  disk.rename(partial, path);
}
