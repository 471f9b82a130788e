import { basename } from "node:path";
import { Ledger } from "../../core/ledger/ledger.ts";
import type { Expected } from "../../core/log/recovery-plan.ts";
import { expectClockAgrees } from "../journal/clock-check.ts";
import type { JournalDirectory } from "../journal/journal-directory.ts";
import { type Recovered, RecoveryError, recover } from "../journal/recover.ts";
import { headerOf } from "./file-survey.ts";

/** What an instance would make of the directory. */
export type Verdict = { starts: true; ledger: Ledger; recovered: Recovered } | { starts: false; why: string };

/** Replays everything, as a start does, and changes nothing. */
export function judge(directory: JournalDirectory, capacity: number, instanceCount: number | undefined): Verdict {
  const expected = expectedOf(directory, instanceCount);
  const ledger = new Ledger(capacity, 0, expected.processors.length);
  try {
    const recovered = recover(directory, ledger, expected);
    expectClockAgrees(directory, recovered, Date.now());
    return { starts: true, ledger, recovered };
  } catch (error) {
    if (error instanceof RecoveryError) return { starts: false, why: error.message };
    throw error;
  }
}

/**
 * The instance by the folder's name, as an instance chooses it, or else by what the files say; the processors are the
 * files', those of the newest one first.
 */
export function expectedOf(directory: JournalDirectory, instanceCount: number | undefined): Expected {
  const headers = directory.files().flatMap((file) => headerOf(file) ?? []);
  const [header] = headers;
  const named = /^instance-(\d+)$/.exec(basename(directory.path));
  return {
    partition: named ? Number(named[1]) - 1 : (header?.partition ?? 0),
    partitionCount: instanceCount ?? header?.partitionCount ?? 1,
    processors: [...new Set(headers.toReversed().flatMap(({ processors }) => processors))],
  };
}
