// To be imported into an instance before its own code (--import): every write and every sync takes as long as on a disk
// that is busy with something else.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const WRITE_MS = Number(process.env["SLOW_DISK_WRITE_MS"] ?? "0");
const SYNC_MS = Number(process.env["SLOW_DISK_SYNC_MS"] ?? "0");
const nobody = new Int32Array(new SharedArrayBuffer(4));

const { writeSync, fdatasync } = fs;
const slowWriteSync = (...args: Parameters<typeof writeSync>): number => {
  Atomics.wait(nobody, 0, 0, Math.random() * 2 * WRITE_MS);
  return writeSync(...args);
};
const slowSync = (descriptor: number, onDone: (error: NodeJS.ErrnoException | null) => void): void => {
  setTimeout(() => fdatasync(descriptor, onDone), Math.random() * 2 * SYNC_MS);
};
Object.assign(fs, { writeSync: slowWriteSync, fdatasync: slowSync });
syncBuiltinESMExports();
