import { join } from "node:path";
import { DirectoryInUseError, type Disk, type DiskLock } from "../system/disk.ts";
import { JournalDirectory } from "./journal-directory.ts";

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
  const directory = new JournalDirectory(disk, partitionPath(dataDir, partition));
  const former = formerPath(dataDir, partition);
  return !directory.hasFiles && disk.exists(former) ? new JournalDirectory(disk, former) : directory;
}

/**
 * Takes the partition's directory, which is made where it is missing; undefined: another process has it. `isDurable`:
 * its name survives a loss of power. A directory of an earlier release keeps its name: such a release that is started
 * once more, by whoever restarts it or rolls back, meets the same lock and the same journal.
 */
export async function lockPartition(
  disk: Disk,
  dataDir: string,
  partition: number,
  isDurable: boolean,
): Promise<LockedDirectory | undefined> {
  const directory = presentDirectory(disk, dataDir, partition);
  expectOneJournal(disk, dataDir, partition);
  directory.make(isDurable);
  const lock = await lockIfFree(disk, directory.path);
  return lock === "in use" ? undefined : { directory, lock };
}

function expectOneJournal(disk: Disk, dataDir: string, partition: number): void {
  const [path, former] = [partitionPath(dataDir, partition), formerPath(dataDir, partition)];
  if (!new JournalDirectory(disk, former).hasFiles || !new JournalDirectory(disk, path).hasFiles) return;
  throw new Error(`a partition has one journal, but there are two: directory=${path} earlier=${former}`);
}

async function lockIfFree(disk: Disk, path: string): Promise<DiskLock | "in use"> {
  try {
    return await disk.lock(path);
  } catch (error) {
    if (error instanceof DirectoryInUseError) return "in use";
    throw error;
  }
}
