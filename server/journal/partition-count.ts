import { join } from "node:path";
import type { JournalHeader } from "../../core/log/journal-header.ts";
import { usualPartitionCount } from "../store/store.ts";
import type { Disk } from "../system/disk.ts";
import { JournalDirectory } from "./journal-directory.ts";

const PARTITION_FOLDER = /^(partition|instance)-\d+$/;

/**
 * How many partitions the journals under `dataDir` have. Throws where `asked`, what other journals there say, or the
 * number of instances does not go with that: then payments would be looked for where they are not.
 */
export function partitionCountOf(
  disk: Disk,
  dataDir: string,
  asked: number | undefined,
  instanceCount: number,
): number {
  const counts = countsFound(disk, dataDir);
  const [found] = counts.keys();
  if (counts.size > 1) {
    const places = [...counts].map(([count, path]) => `${path}=${count}`).join(" ");
    throw new Error(`journals of one DATA_DIR have one number of partitions: ${places}`);
  }
  if (asked !== undefined && found !== undefined && asked !== found) {
    const fixed = "PARTITIONS is fixed when a journal is made";
    throw new Error(`${fixed}: PARTITIONS=${asked} journal=${found} directory=${counts.get(found)}`);
  }
  const count = asked ?? found ?? usualPartitionCount(instanceCount);
  if (count < instanceCount) {
    const where = found === undefined ? "" : ` directory=${counts.get(found)}`;
    throw new Error(`there are at least as many partitions as instances: ${count} < ${instanceCount}${where}`);
  }
  return count;
}

/** What the journals there were made for; undefined where there are none. Throws where they do not agree. */
export function partitionCountFound(disk: Disk, dataDir: string): number | undefined {
  return countsFound(disk, dataDir).size === 0 ? undefined : partitionCountOf(disk, dataDir, undefined, 1);
}

/** Each with a directory that says so. */
function countsFound(disk: Disk, dataDir: string): Map<number, string> {
  const folders = disk.exists(dataDir) ? disk.list(dataDir).filter((name) => PARTITION_FOLDER.test(name)) : [];
  const counts = new Map<number, string>();
  for (const folder of folders.sort().reverse()) {
    const directory = new JournalDirectory(disk, join(dataDir, folder));
    const header = newestHeader(directory);
    if (header) counts.set(header.partitionCount, directory.path);
  }
  return counts;
}

/** Of the newest file whose header can be read. */
export function newestHeader(directory: JournalDirectory): JournalHeader | undefined {
  if (!directory.hasFiles) return undefined;
  const files = directory.files().sort((a, b) => b.number - a.number || a.kind - b.kind);
  return files.map(({ header }) => header).find(isHeader);
}

function isHeader(header: JournalHeader | { problem: string } | "blank"): header is JournalHeader {
  return header !== "blank" && !("problem" in header);
}
