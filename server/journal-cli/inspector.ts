import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { JournalDirectory } from "../journal/journal-directory.ts";
import { RealDisk } from "../system/real-disk.ts";
import { type Progress, UNWATCHED } from "../text/progress.ts";
import type { CommandLine } from "./command-line.ts";
import { type FileSurvey, surveyFile } from "./file-survey.ts";
import { isInUse } from "./in-use.ts";
import { inspectionJson, verdictJson } from "./json-report.ts";
import { printRecords } from "./record-lines.ts";
import { inspection, verdictText } from "./report.ts";
import { judge, type Verdict } from "./verdict.ts";

/** A journal in use changes while it is read: what looks damaged may have been a file taken away by a checkpoint. */
const TRIES_IN_USE = 10;
const TRY_PAUSE_MS = 100;

export type Print = (line: string) => void;

/** Carries out the command for every journal there; returns whether all of them would start. */
export async function examine(wish: CommandLine, print: Print, progress: Progress = UNWATCHED): Promise<boolean> {
  let allStart = true;
  const reports: object[] = [];
  const paths = journalPaths(wish.directory);
  for (const [i, path] of paths.entries()) {
    progress(`${path}: ${i + 1} of ${paths.length} is being read`);
    const isUsed = await isInUse(path);
    const directory = new JournalDirectory(new RealDisk(), path);
    const verdict = await steadyVerdict(directory, wish, isUsed);
    allStart &&= verdict.starts;
    if (wish.isJson) reports.push(reportJson(directory, verdict, isUsed, wish));
    else if (wish.command === "verify") print(`${path}: ${verdictText(verdict, isUsed)}`);
    else {
      if (i > 0) print("");
      print(path);
      printInspection(directory, verdict, isUsed, wish, print);
    }
  }
  if (wish.isJson) print(JSON.stringify(reports, undefined, 2));
  return allStart;
}

function reportJson(directory: JournalDirectory, verdict: Verdict, isUsed: boolean, { command }: CommandLine): object {
  const { path } = directory;
  return command === "verify"
    ? verdictJson(path, verdict, isUsed)
    : inspectionJson(path, surveyAll(directory), verdict, isUsed);
}

function printInspection(
  directory: JournalDirectory,
  verdict: Verdict,
  isUsed: boolean,
  wish: CommandLine,
  print: Print,
): void {
  const surveys = surveyAll(directory);
  for (const line of inspection(surveys, verdict, isUsed)) print(line);
  if (!wish.showsRecords) return;
  print("");
  const printed = printRecords(directory.path, surveys, wish, print);
  if (printed === wish.limit) print(`… at most ${wish.limit} records are shown: see --limit and --from`);
}

/** Checkpoints first, as they are replayed. */
function surveyAll(directory: JournalDirectory): FileSurvey[] {
  const inOrder = directory.files().sort((a, b) => b.kind - a.kind || a.number - b.number);
  return inOrder.flatMap((file) => {
    try {
      return [surveyFile(directory.path, file)];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  });
}

async function steadyVerdict(directory: JournalDirectory, wish: CommandLine, isUsed: boolean): Promise<Verdict> {
  for (let tries = 1; ; tries++) {
    const isLastTry = !isUsed || tries === TRIES_IN_USE;
    try {
      const verdict = judge(directory, wish.capacity, wish.partitionCount);
      if (verdict.starts || isLastTry) return verdict;
    } catch (error) {
      if (isLastTry) throw error;
    }
    await sleep(TRY_PAUSE_MS);
  }
}

/** The directory itself, or the partitions' folders in it, whichever release named them. */
export function journalPaths(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`no such directory: DIR=${path}`);
  const folders = readdirSync(path, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && /^(partition|instance)-\d+$/.test(entry.name),
  );
  if (folders.length > 0) return folders.map(({ name }) => join(path, name)).sort();
  return [path];
}
