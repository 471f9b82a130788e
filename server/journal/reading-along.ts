import { planRecovery, problemOf, type RecoveryPlan } from "../../core/log/recovery-plan.ts";
import type { LogReader } from "./log-reader.ts";
import { LostFollowingError, refusal } from "./recovery-error.ts";

/** Looks at a directory whose files change meanwhile, before it is taken for one that is not in order. */
const TRIES = 5;

/**
 * Reads what has been written of a journal that another carries, in steps of about a millisecond. The last batch may be
 * half written: it is read as far as it is sound, the rest another time.
 */
export function* readAlong(reader: LogReader): Generator<void, void, void> {
  try {
    yield* readWritten(reader);
  } catch (error) {
    // A checkpoint covers it by now.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new LostFollowingError(reader.directory, (error as Error).message);
  }
}

function* readWritten(reader: LogReader): Generator<void, void, void> {
  const { directory, expected } = reader;
  if (reader.segment === undefined && !(yield* begin(reader))) return;
  expectUnchanged(reader);
  for (;;) {
    const { name, number } = reader.segment!;
    // A segment is taken away only when the one after it is there.
    const isThere = directory.disk.exists(directory.filePath(name));
    const next = directory.segment(number + 1);
    const hasNext = next !== undefined && next.header !== "blank";
    if (!isThere && !hasNext) throw new LostFollowingError(directory, `gone=${name}`);
    // Where there is a next one, nothing is written into this one any more.
    yield* reader.readOn();
    if (!hasNext) return;
    expectUnchanged(reader);
    const problem = problemOf(next, expected);
    if (problem !== undefined) throw refusal(directory, problem);
    reader.beginSegment(next);
  }
}

/** Throws where a batch that was read has been taken back. */
function expectUnchanged(reader: LogReader): void {
  if (!reader.isUnchanged()) throw new LostFollowingError(reader.directory, `changed=${reader.segment!.name}`);
}

/** False when there is nothing to begin with. */
function* begin(reader: LogReader): Generator<void, boolean, void> {
  const { checkpoint, segments } = steadyPlan(reader);
  const [first] = segments;
  if (first === undefined) return false;
  if (checkpoint) yield* reader.readCheckpoint(checkpoint);
  reader.beginSegment(first);
  return true;
}

const NOTHING = { checkpoint: undefined, segments: [] };

function steadyPlan({ directory, expected }: LogReader): Pick<RecoveryPlan, "checkpoint" | "segments"> {
  for (let tries = 1; ; tries++) {
    const plan = directory.hasFiles ? planRecovery(directory.files(), expected) : NOTHING;
    if (typeof plan !== "string") return plan;
    if (tries === TRIES) throw refusal(directory, plan);
  }
}
