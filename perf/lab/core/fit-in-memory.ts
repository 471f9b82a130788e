import { readFileSync } from "node:fs";
import { freemem } from "node:os";
import { say } from "../../command/run-command.ts";
import { numberText } from "../report/number-text.ts";
import { MEMORY_BYTES_PER_PAYMENT } from "./round.ts";

/** A process without any payments. */
const PROCESS_BYTES = 100 * 1024 * 1024;

/** The sizes for which there is memory, and for each of the others a text that says so. */
export function fitInMemory(sizes: readonly number[]): { fitting: number[]; skipped: string[] } {
  const availableBytes = availableMemoryBytes();
  const needed = (size: number): number => size * MEMORY_BYTES_PER_PAYMENT + PROCESS_BYTES;
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
  const fits = (size: number): boolean => needed(size) <= availableBytes;
  const skipped = sizes
    .filter((size) => !fits(size))
    .map((size) => {
      const need = `${mebibytes(needed(size))} needed, ${mebibytes(availableBytes)} available`;
      return `SKIPPED ${numberText(size)} payments: ${need}`;
    });
  for (const line of skipped) say(line);
  return { fitting: sizes.filter(fits), skipped };
}

/** Of the machine, and of the container it may be in. */
function availableMemoryBytes(): number {
  let availableBytes = freemem();
  try {
    const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
    if (kibibytes !== undefined) availableBytes = Number(kibibytes) * 1024;
  } catch {
    // Not Linux: what is free is less than what is available.
  }
  const limitBytes = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.min(availableBytes, limitBytes);
}
