import { join } from "node:path";
import { DirectoryInUseError, type Disk, type DiskLock } from "../system/disk.ts";
import { JournalDirectory } from "./journal-directory.ts";

/** Whoever finds the directory moved meanwhile looks again: twice is more than can happen. */
const TRIES = 3;

/** A partition's directory, and the lock on it. */
export type LockedDirectory = { directory: JournalDirectory; lock: DiskLock };

export function partitionPath(dataDir: string, partition: number): string {
  return join(dataDir, `partition-${partition + 1}`);
}

/** As earlier releases named it, where the instance of the partition's number carried it. */
export function formerPath(dataDir: string, partition: number): string {
  return join(dataDir, `instance-${partition + 1}`);
}

/** Where the partition's journal is now; where there is none, where it will be. */
export function presentDirectory(disk: Disk, dataDir: string, partition: number): JournalDirectory {
  const [path, former] = [partitionPath(dataDir, partition), formerPath(dataDir, partition)];
  return new JournalDirectory(disk, !disk.exists(path) && disk.exists(former) ? former : path);
}

/**
 * Takes the partition's directory, which is made where it is missing; undefined: another process has it. `isDurable`:
 * its name survives a loss of power. A directory of an earlier release gets its new name under its lock, so that of two
 * processes that come at once, of whichever releases, one has it.
 */
export async function lockPartition(
  disk: Disk,
  dataDir: string,
  partition: number,
  isDurable: boolean,
): Promise<LockedDirectory | undefined> {
  const directory = new JournalDirectory(disk, partitionPath(dataDir, partition));
  for (let tries = 0; tries < TRIES; tries++) {
    const isFormer = presentDirectory(disk, dataDir, partition).path !== directory.path;
    const lock = isFormer
      ? await lockAndRename(formerPath(dataDir, partition), directory, isDurable)
      : await lockInPlace(directory, formerPath(dataDir, partition), isDurable);
    if (lock === "in use") return undefined;
    if (lock !== "moved") return { directory, lock };
  }
  return undefined;
}

async function lockInPlace(
  directory: JournalDirectory,
  former: string,
  isDurable: boolean,
): Promise<DiskLock | "in use"> {
  if (new JournalDirectory(directory.disk, former).hasFiles) {
    const both = `earlier=${former} directory=${directory.path}`;
    throw new Error(`a partition has one journal, but there is one of an earlier release too: ${both}`);
  }
  directory.make(isDurable);
  return lockIfFree(directory.disk, directory.path);
}

async function lockAndRename(
  former: string,
  { disk, path }: JournalDirectory,
  isDurable: boolean,
): Promise<DiskLock | "in use" | "moved"> {
  let lock: DiskLock | "in use";
  try {
    lock = await lockIfFree(disk, former);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "moved";
    throw error;
  }
  if (lock === "in use") return lock;
  try {
    if (!disk.exists(former) || disk.exists(path)) {
      await lock.release();
      return "moved";
    }
    disk.rename(former, path);
    if (isDurable) await disk.syncDirectoryLater(join(path, ".."));
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function lockIfFree(disk: Disk, path: string): Promise<DiskLock | "in use"> {
  try {
    return await disk.lock(path);
  } catch (error) {
    if (error instanceof DirectoryInUseError) return "in use";
    throw error;
  }
}
