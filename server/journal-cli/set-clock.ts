import { Ledger } from "../../core/ledger/ledger.ts";
import { RecordBatch } from "../../core/log/record.ts";
import * as Kind from "../../core/log/record-kind.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { NO_PROCESSOR } from "../../core/values/processor.ts";
import { Journal } from "../journal/journal.ts";
import { JournalDirectory } from "../journal/journal-directory.ts";
import { recover } from "../journal/recover.ts";
import { makeDurable } from "../journal/rewrite.ts";
import { tidy } from "../journal/tidy.ts";
import { RealDisk } from "../system/real-disk.ts";
import type { CommandLine } from "./command-line.ts";
import { journalPaths, type Print } from "./inspector.ts";
import { timeText } from "./names.ts";
import { capacityIn, expectedOf } from "./verdict.ts";

/**
 * Lets the time of every journal there begin again at the wall clock, where it is ahead of that. Watermarks that were
 * given out in the time that is taken back no longer hold. Rejects when a journal is in use or would be refused for
 * another reason.
 */
export async function setClock(wish: CommandLine, print: Print): Promise<void> {
  for (const path of journalPaths(wish.directory)) {
    const directory = new JournalDirectory(new RealDisk(), path);
    const lock = await directory.disk.lock(path);
    try {
      print(`${path}: ${await turnBack(directory, wish, Date.now())}`);
    } finally {
      await lock.release();
    }
  }
}

async function turnBack(directory: JournalDirectory, wish: CommandLine, nowMs: number): Promise<string> {
  const expected = expectedOf(directory, wish.partitionCount);
  const capacity = capacityIn(directory);
  const ledger = new Ledger(Math.max(wish.capacity, capacity), 0, expected.processors.length);
  const recovered = recover(directory, ledger, expected);
  const latest = timeText(recovered.latestMs);
  if (recovered.latestMs <= nowMs)
    return `nothing to do: its time is not ahead of the clock: journal=${latest} clock=${timeText(nowMs)}`;
  // Nobody knows here whether a loss of power matters.
  await makeDurable(directory, recovered);
  await tidy(directory, recovered);
  const onBroken = (error: Error): never => {
    throw error;
  };
  // The segments before this one may not be durable, so it must not say that they are.
  const options = { ...expected, capacity, segmentBytes: Number.POSITIVE_INFINITY, syncsSegments: false };
  const journal = new Journal(directory, recovered, { ...options, nowMs: () => nowMs, onBroken });
  try {
    const batch = new RecordBatch(1);
    batch.append(Kind.CLOCK, 0, nowMs, NO_PROCESSOR, Outcome.NONE, 0);
    const error = journal.append(batch);
    if (error) throw error;
    await new Promise<void>((resolve, reject) => journal.sync((failed) => (failed ? reject(failed) : resolve())));
    directory.sync();
  } finally {
    journal.close();
  }
  return `time begins again: at=${timeText(nowMs)} before=${latest}`;
}
