import type { JournalHeader } from "../../core/journal-header.ts";
import { type DiskFile, readFully, writeFully } from "../../server/disk.ts";
import type { JournalDirectory } from "../../server/journal/journal-directory.ts";
import { encodeVersion1Header } from "../core/version-1-header.ts";

/**
 * Makes of a journal what the first version would have written: the records were the same, so only the headers change.
 */
export function toVersion1(directory: JournalDirectory): void {
  const { disk } = directory;
  for (const file of directory.files()) {
    const path = directory.filePath(file.name);
    const { headerBytes, ...fields } = file.header as JournalHeader;
    const found = disk.open(path, "read");
    const records = new Uint8Array(file.bytes - headerBytes);
    readFully(found, records, records.length, headerBytes);
    found.close();
    disk.remove(path);
    const made = disk.create(path);
    writeAll(made, encodeVersion1Header(fields), records);
    made.syncData();
    made.close();
  }
  directory.sync();
}

function writeAll(file: DiskFile, header: Uint8Array, records: Uint8Array): void {
  writeFully(file, header, header.length, 0);
  writeFully(file, records, records.length, header.length);
}
