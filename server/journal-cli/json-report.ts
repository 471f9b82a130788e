import { type JournalHeader, SEGMENT } from "../../core/log/journal-header.ts";
import * as State from "../../core/values/state.ts";
import type { FileSurvey } from "./file-survey.ts";
import { KIND_NAMES, timeText } from "./names.ts";
import { keptAt, STATES } from "./report.ts";
import type { Verdict } from "./verdict.ts";

/** What `verify` says of a directory, for programs. */
export function verdictJson(directory: string, verdict: Verdict, isUsed: boolean): object {
  const place = { directory, isInUse: isUsed, starts: verdict.starts };
  if (!verdict.starts) return { ...place, why: verdict.why };
  const { ledger, recovered, names } = verdict;
  const { torn } = recovered;
  return {
    ...place,
    /** Never acknowledged, and cut off by a start. */
    tornEnd: torn === undefined ? null : { file: torn.name, bytes: torn.fileBytes - torn.soundBytes },
    nextLsn: recovered.lsn,
    nextSegment: recovered.nextNumber,
    payments: {
      kept: ledger.size,
      states: Object.fromEntries(STATES.map((state) => [State.NAMES[state], ledger.countIn(state)])),
      /** By processor: while there are any, a start needs its name. */
      processors: keptAt(ledger, names).named,
    },
  };
}

/** What `inspect` says of a directory, for programs. */
export function inspectionJson(
  directory: string,
  surveys: readonly FileSurvey[],
  verdict: Verdict,
  isUsed: boolean,
): object {
  return { ...verdictJson(directory, verdict, isUsed), files: surveys.map(fileJson) };
}

function fileJson(survey: FileSurvey): object {
  const { file, firstLsn, recordCount, restBytes, kindCounts, firstAtMs, lastAtMs } = survey;
  const counts = [...KIND_NAMES, "rows"].flatMap((name, kind) =>
    kindCounts[kind]! > 0 ? [[name, kindCounts[kind]]] : [],
  );
  const size = { name: file.name, bytes: file.bytes, records: recordCount, restBytes };
  const { header } = file;
  if (header === "blank" || "problem" in header) {
    return { ...size, problem: header === "blank" ? "no header" : header.problem };
  }
  const { partition, partitionCount, epoch, createdAtMs, kind, capacity, processors } = header as JournalHeader;
  return {
    ...size,
    kind: kind === SEGMENT ? "segment" : "checkpoint",
    partition: partition + 1,
    partitions: partitionCount,
    epoch,
    firstLsn: kind === SEGMENT ? firstLsn : header.firstLsn,
    createdAt: timeText(createdAtMs),
    capacity: capacity === 0 ? null : capacity,
    processors,
    recordCounts: Object.fromEntries(counts),
    firstAt: firstAtMs <= lastAtMs ? timeText(firstAtMs) : null,
    lastAt: firstAtMs <= lastAtMs ? timeText(lastAtMs) : null,
  };
}
