import { randomInt } from "node:crypto";
import { Ledger, MAX_CAPACITY } from "../../../core/ledger/ledger.ts";
import { expectClockAgrees } from "../../journal/clock-check.ts";
import { sizeOf } from "../../journal/journal-claim.ts";
import type { JournalDirectory } from "../../journal/journal-directory.ts";
import { LogReader } from "../../journal/log-reader.ts";
import { newestHeader } from "../../journal/partition-count.ts";
import { recoverInSteps } from "../../journal/recover.ts";
import { RestoredMarkFile } from "../../journal/restored-mark-file.ts";
import type { Mark } from "../../store/restored-mark.ts";
import { atOnce } from "../../system/in-slices.ts";

/** What a partition's journal comes to. */
export type PartitionJournal = {
  partition: number;
  ledger: Ledger;
  /** In the order of the numbers that the ledger has. */
  processors: readonly string[];
  /** Number of the next record. */
  lsn: number;
  latestMs: number;
  capacity: number;
  /** Of a start with restored data that is not finished. */
  mark: Mark | undefined;
};

/** Reads a journal as a start would, and changes nothing. Throws RecoveryError where payments are in danger. */
export function readJournal(directory: JournalDirectory, partition: number, partitionCount: number): PartitionJournal {
  const processors = namesIn(directory);
  const capacity = Math.min(MAX_CAPACITY, sizeOf(directory, 1).capacity);
  const ledger = new Ledger(capacity, randomInt(2 ** 32) | 0, processors.length);
  const reader = new LogReader(directory, ledger, { partition, partitionCount, processors });
  const recovered = atOnce(recoverInSteps(reader));
  expectClockAgrees(directory, recovered, Date.now());
  const { lsn, latestMs } = recovered;
  const told = newestHeader(directory)?.capacity ?? 0;
  const mark = new RestoredMarkFile(directory.path).read();
  return { partition, ledger, processors, lsn, latestMs, capacity: told, mark };
}

/** All that any file names, those of the newest one first: one at least, since a ledger has one. */
function namesIn(directory: JournalDirectory): string[] {
  const files = directory.files().sort((a, b) => b.number - a.number);
  const names = files.flatMap(({ header }) =>
    typeof header === "object" && "processors" in header ? header.processors : [],
  );
  return names.length === 0 ? ["default"] : [...new Set(names)];
}
