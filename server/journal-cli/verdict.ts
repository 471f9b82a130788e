import { basename } from "node:path";
import { Ledger } from "../../core/ledger/ledger.ts";
import type { JournalHeader } from "../../core/log/journal-header.ts";
import type { Expected } from "../../core/log/recovery-plan.ts";
import { expectClockAgrees } from "../journal/clock-check.ts";
import type { JournalDirectory } from "../journal/journal-directory.ts";
import { type Recovered, RecoveryError, recover } from "../journal/recover.ts";
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
export function judge(directory: JournalDirectory, capacity: number, instanceCount: number | undefined): Verdict {
  const expected = expectedOf(directory, instanceCount);
  const ledger = new Ledger(capacity, 0, expected.processors.length);
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
 * The instance by the folder's name, as an instance chooses it, or else by what the files say; the processors are those
 * of the newest file, as the last start had them.
 */
export function expectedOf(directory: JournalDirectory, instanceCount: number | undefined): Expected {
  const [header] = headersOf(directory);
  const named = /^instance-(\d+)$/.exec(basename(directory.path));
  return {
    partition: named ? Number(named[1]) - 1 : (header?.partition ?? 0),
    partitionCount: instanceCount ?? header?.partitionCount ?? 1,
    processors: header?.processors ?? [],
  };
}

/** Newest first, as far as they can be read. */
export function headersOf(directory: JournalDirectory): JournalHeader[] {
  const files = directory.files().sort((a, b) => b.number - a.number || a.kind - b.kind);
  return files.flatMap((file) => headerOf(file) ?? []);
}
