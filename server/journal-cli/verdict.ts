import { basename } from "node:path";
import { Ledger } from "../../core/ledger/ledger.ts";
import type { JournalHeader } from "../../core/log/journal-header.ts";
import type { Expected } from "../../core/log/recovery-plan.ts";
import { expectClockAgrees } from "../journal/clock-check.ts";
import type { JournalDirectory } from "../journal/journal-directory.ts";
import { newestHeader } from "../journal/partition-count.ts";
import { type Recovered, recover } from "../journal/recover.ts";
import { RecoveryError } from "../journal/recovery-error.ts";
import { headerOf } from "./file-survey.ts";

/** What an instance would make of the directory. */
export type Verdict =
  | {
      starts: true;
      ledger: Ledger;
      /** Of the ledger's processors, by number. */
      names: readonly string[];
      recovered: Recovered;
    }
  | { starts: false; why: string };

/** Replays everything, as a start does, and changes nothing. */
export function judge(directory: JournalDirectory, capacity: number, partitionCount: number | undefined): Verdict {
  const expected = expectedOf(directory, partitionCount);
  const ledger = new Ledger(Math.max(capacity, capacityIn(directory)), 0, expected.processors.length);
  try {
    const recovered = recover(directory, ledger, expected);
    expectClockAgrees(directory, recovered, Date.now());
    return { starts: true, ledger, names: expected.processors, recovered };
  } catch (error) {
    if (error instanceof RecoveryError) return { starts: false, why: error.message };
    throw error;
  }
}

/**
 * The partition by the folder's name, as an instance chooses it, or else by what the files say; the processors are
 * those of the newest file, as the last start had them.
 */
export function expectedOf(directory: JournalDirectory, partitionCount: number | undefined): Expected {
  const [header] = headersOf(directory);
  const named = /^(?:partition|instance)-(\d+)$/.exec(basename(directory.path));
  return {
    partition: named ? Number(named[1]) - 1 : (header?.partition ?? 0),
    partitionCount: partitionCount ?? header?.partitionCount ?? 1,
    processors: header?.processors ?? [],
  };
}

/** Payments that the last carrier had room for; 0: not said. */
export function capacityIn(directory: JournalDirectory): number {
  return newestHeader(directory)?.capacity ?? 0;
}

/** Newest first, as far as they can be read. */
export function headersOf(directory: JournalDirectory): JournalHeader[] {
  const files = directory.files().sort((a, b) => b.number - a.number || a.kind - b.kind);
  return files.flatMap((file) => headerOf(file) ?? []);
}
