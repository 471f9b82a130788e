import { basename } from "node:path";
import { Ledger } from "../../core/ledger/ledger.ts";
import type { Expected } from "../../core/log/recovery-plan.ts";
import { PROCESSOR_NAMES } from "../../core/values/processor.ts";
import { expectClockAgrees } from "../journal/clock-check.ts";
import type { JournalDirectory } from "../journal/journal-directory.ts";
import { type Recovered, RecoveryError, recover } from "../journal/recover.ts";
import { headerOf } from "./file-survey.ts";

/** What an instance would make of the directory. */
export type Verdict = { starts: true; ledger: Ledger; recovered: Recovered } | { starts: false; why: string };

/** Replays everything, as a start does, and changes nothing. */
export function judge(directory: JournalDirectory, capacity: number, instanceCount: number | undefined): Verdict {
  const ledger = new Ledger(capacity, 0, 2);
  try {
    const recovered = recover(directory, ledger, expectedOf(directory, instanceCount));
    expectClockAgrees(directory, recovered, Date.now());
    return { starts: true, ledger, recovered };
  } catch (error) {
    if (error instanceof RecoveryError) return { starts: false, why: error.message };
    throw error;
  }
}

/**
 * The instance by the folder's name, as an instance chooses it, or else by what the files say; the processors are the
 * files'.
 */
export function expectedOf(directory: JournalDirectory, instanceCount: number | undefined): Expected {
  const header = directory
    .files()
    .map(headerOf)
    .find((found) => found !== undefined);
  const named = /^instance-(\d+)$/.exec(basename(directory.path));
  return {
    partition: named ? Number(named[1]) - 1 : (header?.partition ?? 0),
    partitionCount: instanceCount ?? header?.partitionCount ?? 1,
    processors: header?.processors ?? PROCESSOR_NAMES,
  };
}
