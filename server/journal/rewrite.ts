import { readFully, syncDataLater } from "../system/disk.ts";
import type { JournalDirectory } from "./journal-directory.ts";
import type { Recovered } from "./recover.ts";

const CHUNK_BYTES = 1 << 18;

/**
 * Makes what was replayed safe from a loss of power, before anybody is answered from it and before anything that it
 * replaces is removed. Syncing what was found would not do: a kernel that could not write a page, of a file or of the
 * directory, may have taken it for written since, and would never try again. So what was read is written into new
 * files, which take their places once they are safe. To be called before `tidy`. Holds up nobody for longer than a
 * small chunk takes to be read; rejects when `signal` is aborted, with nothing but names of files changed.
 */
export async function makeDurable(
  directory: JournalDirectory,
  recovered: Recovered,
  signal?: AbortSignal,
): Promise<void> {
  directory.removePartials();
  for (const { name, soundBytes } of recovered.unsafe) await rewrite(directory, name, soundBytes, signal);
  await directory.syncLater();
}

async function rewrite(
  directory: JournalDirectory,
  name: string,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { disk } = directory;
  const path = directory.filePath(name);
  const partial = directory.partialPath(path);
  const found = disk.open(path, "read");
  const made = disk.create(partial);
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytes));
    for (let done = 0; done < bytes; done += CHUNK_BYTES) {
      signal?.throwIfAborted();
      const length = Math.min(CHUNK_BYTES, bytes - done);
      readFully(found, chunk, length, done);
      await made.writeLater(chunk.subarray(0, length), done);
    }
    await syncDataLater(made);
  } finally {
    found.close();
    made.close();
  }
  await disk.renameLater(partial, path);
}
