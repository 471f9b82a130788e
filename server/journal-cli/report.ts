import type { Ledger } from "../../core/ledger/ledger.ts";
import { type JournalHeader, SEGMENT } from "../../core/log/journal-header.ts";
import { NO_PROCESSOR } from "../../core/values/processor.ts";
import * as State from "../../core/values/state.ts";
import { alignColumns } from "../text/text-table.ts";
import { type FileSurvey, ROW } from "./file-survey.ts";
import { KIND_NAMES, timeText } from "./names.ts";
import type { Verdict } from "./verdict.ts";

export const STATES = [State.PENDING, State.SENDING, State.IN_DOUBT, State.PROCESSED, State.FAILED];

/** What `inspect` prints of a directory. */
export function inspection(surveys: readonly FileSurvey[], verdict: Verdict, isUsed: boolean): string[] {
  const segments = surveys.filter(({ file }) => file.kind === SEGMENT);
  return [
    ...(surveys.length === 0 ? ["no files"] : fileTable(surveys)),
    "",
    `records   ${countsText(surveys)}`,
    `log       ${lsnText(segments)}`,
    `times     ${timesText(segments)}`,
    `payments  ${verdict.starts ? paymentsText(verdict.ledger) : "unknown: the journal cannot be replayed"}`,
    `kept at   ${verdict.starts ? placesText(verdict.ledger, verdict.names) : "unknown"}`,
    `bytes     ${bytesText(surveys, verdict)}`,
    `verdict   ${verdictText(verdict, isUsed)}`,
  ];
}

/** What `verify` prints of a directory. */
export function verdictText(verdict: Verdict, isUsed: boolean): string {
  const note = isUsed ? "; in use: its end may be still being written" : "";
  if (!verdict.starts) return `refused: ${verdict.why}${note}`;
  const { ledger, recovered } = verdict;
  const { torn } = recovered;
  const cut = torn
    ? " after cutting off an end that was never acknowledged: " +
      `file=${torn.name} bytes=${torn.fileBytes - torn.soundBytes}`
    : "";
  return `starts${cut}: payments=${ledger.size} nextLsn=${recovered.lsn} nextSegment=${recovered.nextNumber}${note}`;
}

function fileTable(surveys: readonly FileSurvey[]): string[] {
  const rows = surveys.map((survey) => {
    const { file, firstLsn, recordCount, restBytes } = survey;
    return [file.name, `${file.bytes}`, `${recordCount}`, `${restBytes}`, ...headerCells(file.header, firstLsn)];
  });
  const head = ["file", "bytes", "records", "rest", "partition", "first LSN", "created", "room", "processors"];
  return alignColumns([head, ...rows]);
}

/** Of a checkpoint the LSN it was begun at; the room is the capacity of the carrier. */
function headerCells(header: FileSurvey["file"]["header"], firstLsn: number): string[] {
  if (header === "blank") return ["-", "-", "no header", "-", "-"];
  if ("problem" in header) return ["-", "-", header.problem, "-", "-"];
  const { partition, partitionCount, createdAtMs, kind, capacity, processors } = header as JournalHeader;
  return [
    `${partition + 1} of ${partitionCount}`,
    `${kind === SEGMENT ? firstLsn : header.firstLsn}`,
    timeText(createdAtMs),
    capacity === 0 ? "-" : `${capacity}`,
    processors.join(" "),
  ];
}

function countsText(surveys: readonly FileSurvey[]): string {
  const names = [...KIND_NAMES, "rows"];
  const counts = names.map((_, kind) => surveys.reduce((sum, survey) => sum + survey.kindCounts[kind]!, 0));
  const parts = names.flatMap((name, kind) => (counts[kind]! > 0 ? [`${name}=${counts[kind]}`] : []));
  return parts.length === 0 ? "none" : parts.join(" ");
}

function lsnText(segments: readonly FileSurvey[]): string {
  const written = segments.filter(({ recordCount }) => recordCount > 0);
  if (written.length === 0) return "no records";
  const last = written.at(-1)!;
  return `LSN ${written[0]!.firstLsn} to ${last.firstLsn + last.recordCount - 1}`;
}

function timesText(segments: readonly FileSurvey[]): string {
  const firstMs = Math.min(...segments.map(({ firstAtMs }) => firstAtMs));
  const lastMs = Math.max(...segments.map(({ lastAtMs }) => lastAtMs));
  return firstMs <= lastMs ? `${timeText(firstMs)} to ${timeText(lastMs)}` : "none";
}

function paymentsText(ledger: Ledger): string {
  const parts = STATES.flatMap((state) => {
    const count = ledger.countIn(state);
    return count > 0 ? [`${State.NAMES[state]!.replace(" ", "-")}=${count}`] : [];
  });
  return [`kept=${ledger.size}`, ...parts].join(" ");
}

/** By processor: while there are any, a start needs its name. */
function placesText(ledger: Ledger, names: readonly string[]): string {
  const { named, none } = keptAt(ledger, names);
  return [...Object.entries(named), ["none", none] as const].map(([name, count]) => `${name}=${count}`).join(" ");
}

/** How many payments are at each processor, and at none. */
export function keptAt(ledger: Ledger, names: readonly string[]): { named: Record<string, number>; none: number } {
  const counts = new Float64Array(NO_PROCESSOR + 1);
  for (let sequence = ledger.tail; sequence < ledger.head; sequence++)
    counts[ledger.rows.processor[ledger.slotOf(sequence)]!]!++;
  const named = Object.fromEntries(names.map((name, number) => [name, counts[number]!]));
  return { named, none: counts[NO_PROCESSOR]! };
}

function bytesText(surveys: readonly FileSurvey[], verdict: Verdict): string {
  const total = surveys.reduce((sum, { file }) => sum + file.bytes, 0);
  const rows = surveys.reduce((sum, { kindCounts }) => sum + kindCounts[ROW]!, 0);
  if (!verdict.starts || verdict.ledger.size === 0) return `total=${total}`;
  const each = (total / verdict.ledger.size).toFixed(1);
  return `total=${total} perKeptPayment=${each} rowsInCheckpoints=${rows}`;
}
