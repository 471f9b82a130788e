// To be imported into an instance before its own code (--import): while the file HELD_DISK_SYNC is there no fdatasync
// ends, and while HELD_DISK_FULL is there nothing can be written.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { HELD_DISK_SYNC = "", HELD_DISK_FULL = "" } = process.env;
const POLL_INTERVAL_MS = 5;
/** The standard streams are no disk. */
const STREAMS_MAX = 2;

const { writeSync, fdatasync, existsSync } = fs;
const heldSync = (descriptor: number, onDone: (error: NodeJS.ErrnoException | null) => void): void => {
  if (existsSync(HELD_DISK_SYNC)) setTimeout(heldSync, POLL_INTERVAL_MS, descriptor, onDone);
  else fdatasync(descriptor, onDone);
};
const fullWriteSync = (descriptor: number, ...rest: [Uint8Array, number, number, number]): number => {
  if (descriptor > STREAMS_MAX && existsSync(HELD_DISK_FULL)) {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  }
  return writeSync(descriptor, ...rest);
};
Object.assign(fs, { fdatasync: heldSync, writeSync: fullWriteSync });
syncBuiltinESMExports();
