import type { JournalDirectory } from "./journal-directory.ts";

/** Thrown for a directory that must not be used as it is. */
export class RecoveryError extends Error {
  override readonly name = "RecoveryError";
}

export function refusal(directory: JournalDirectory, problem: string): RecoveryError {
  return new RecoveryError(`${problem} directory=${directory.path}`);
}

/** Thrown where a journal cannot be read along any further: what comes next is gone. Beginning anew helps. */
export class LostFollowingError extends Error {
  override readonly name = "LostFollowingError";

  constructor(directory: JournalDirectory, why: string) {
    super(`a journal is read along only without a gap: ${why} directory=${directory.path}`);
  }
}
