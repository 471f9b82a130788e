import { basename, join, relative, resolve } from "node:path";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { applyFoundCharge } from "../../../core/restored/found-charge.ts";
import { Salvage } from "../../../core/salvage/salvage.ts";
import { SalvagedLog } from "../../../core/salvage/salvaged-log.ts";
import * as State from "../../../core/values/state.ts";
import { JournalDirectory } from "../../journal/journal-directory.ts";
import { RestoredMarkFile } from "../../journal/restored-mark-file.ts";
import { RealDisk } from "../../system/real-disk.ts";
import { type Progress, UNWATCHED } from "../../text/progress.ts";
import type { CommandLine } from "../command-line.ts";
import { headerOf } from "../file-survey.ts";
import { journalPaths, type Print } from "../inspector.ts";
import { capacityIn, expectedOf, judge } from "../verdict.ts";
import { namesIn } from "./file-processors.ts";
import { askAbout, urlsOf } from "./inquiry.ts";
import { NewJournal } from "./new-journal.ts";
import { describeLost, describePayment, logText, type Repaired, reportLines } from "./repair-report.ts";
import { salvageFiles } from "./salvage-files.ts";

/**
 * Makes a new journal of each damaged one; returns whether every payment is vouched for. Rejects when one cannot be
 * made.
 */
export async function repair(wish: CommandLine, print: Print, progress: Progress = UNWATCHED): Promise<boolean> {
  if (!relative(resolve(wish.directory), resolve(wish.out)).startsWith(".."))
    throw new Error(`the new journal goes somewhere else: DIR=${wish.directory} --out=${wish.out}`);
  const reports: Repaired[] = [];
  const paths = journalPaths(wish.directory);
  for (const [i, path] of paths.entries()) {
    const isOwn = path === wish.directory;
    const tell: Progress = (text) => progress(`${path}, ${i + 1} of ${paths.length}: ${text}`);
    tell("is being read");
    const report = await repairOne(path, isOwn ? wish.out : join(wish.out, basename(path)), wish, tell);
    reports.push(report);
    if (!wish.isJson) for (const line of reportLines(report)) print(line);
  }
  if (wish.isJson) print(JSON.stringify(reports, undefined, 2));
  return reports.every(
    ({ payments, lost }) => lost.length === 0 && payments.every(({ written }) => written === "processed"),
  );
}

async function repairOne(path: string, out: string, wish: CommandLine, progress: Progress): Promise<Repaired> {
  const directory = new JournalDirectory(new RealDisk(), path);
  const lock = await directory.disk.lock(path);
  try {
    const verdict = judge(directory, wish.capacity, wish.partitionCount);
    if (!verdict.starts) return await salvageInto(directory, out, wish, progress);
    const kept = verdict.ledger.size;
    return { directory: path, out: undefined, damages: [], kept, passedOver: 0, payments: [], lost: [] };
  } finally {
    await lock.release();
  }
}

async function salvageInto(
  directory: JournalDirectory,
  out: string,
  wish: CommandLine,
  progress: Progress,
): Promise<Repaired> {
  const names = namesIn(directory, wish.toldNames);
  const capacity = capacityIn(directory);
  const identity = { ...expectedOf(directory, wish.partitionCount), processors: names, capacity };
  const urls = urlsOf(names, wish.processorUrls);
  const epoch = Math.max(0, ...directory.files().map((file) => headerOf(file)?.epoch ?? 0));
  const journal = new NewJournal(out, identity, epoch);
  // From the first, so that no instance can start with a part of it and trust that.
  const mark = new RestoredMarkFile(out);
  mark.write({ lostFromMs: 0, sinceMs: undefined });
  const ledger = new Ledger(Math.max(wish.capacity, capacity), 0, identity.processors.length);
  const log = new SalvagedLog(ledger, (batch) => journal.append(batch));
  const salvage = new Salvage(log, (latestMs) => journal.begin(ledger, latestMs));
  const damages = salvageFiles(directory, identity, wish.toldNames, salvage);
  const lostFromMs = salvage.lostFromMs ?? 0;
  const asked = await askAbout(salvage.suspects(), ledger, urls, lostFromMs, progress);
  const logTexts = asked.map((each) => logText(ledger, names, each));
  for (const { suspect, charge } of asked) {
    if (charge === undefined) continue;
    applyFoundCharge(ledger, log.out, ledger.slotOf(suspect.sequence), charge, Date.now());
    log.flushIfDue();
  }
  log.flush();
  mark.write({ lostFromMs, sinceMs: undefined });
  await journal.close();
  expectStart(journal.directory, ledger, wish);
  const payments = asked.map((each, i) => describePayment(ledger, names, each, logTexts[i]!));
  const lost = describeLost(salvage, names);
  return {
    directory: directory.path,
    out,
    damages,
    kept: ledger.size,
    passedOver: salvage.contradictionCount,
    payments,
    lost,
  };
}

/** What was written is read back as an instance would read it. */
function expectStart(directory: JournalDirectory, ledger: Ledger, { capacity, partitionCount }: CommandLine): void {
  const verdict = judge(directory, capacity, partitionCount);
  if (!verdict.starts) throw new Error(`the new journal must start: ${verdict.why}`);
  const found = verdict.ledger;
  const isSame = found.head === ledger.head && found.tail === ledger.tail;
  const states = [State.PENDING, State.SENDING, State.IN_DOUBT, State.PROCESSED, State.FAILED];
  if (!isSame || states.some((state) => found.countIn(state) !== ledger.countIn(state)))
    throw new Error(`the new journal must hold what was salvaged: payments=${found.size} expected=${ledger.size}`);
}
