import { type JournalHeader, SEGMENT } from "../../../core/log/journal-header.ts";
import type { JournalFile } from "../../../core/log/recovery-plan.ts";
import { PROCESSORS_MAX } from "../../../core/values/processor.ts";
import type { JournalDirectory } from "../../journal/journal-directory.ts";
import { headerOf } from "../file-survey.ts";
import { headersOf } from "../verdict.ts";

const TELL = "--names NAME,NAME…";

/** The header, if it can be read and is the file's own. */
export function ownHeader(file: JournalFile): JournalHeader | undefined {
  const header = headerOf(file);
  return header?.kind === file.kind && header.number === file.number ? header : undefined;
}

/**
 * All processors that any file names, those of the newest file first, and behind them those that are told. Payments may
 * still be at names of long ago: the records that dropped them may be lost.
 */
export function namesIn(directory: JournalDirectory, told: readonly string[]): string[] {
  const names = [...new Set([...headersOf(directory).flatMap(({ processors }) => processors), ...told])];
  if (names.length === 0) throw new Error(`no file says which processors there are, so that has to be told: ${TELL}`);
  if (names.length > PROCESSORS_MAX)
    throw new Error(`a journal has at most ${PROCESSORS_MAX} processors, and its files name more: ${names.join(" ")}`);
  return names;
}

/**
 * Names of the processors by the numbers in a file's records. Where its own header cannot tell, these can:
 *
 *   the checkpoint or segment of the same number     the same carrier has written both
 *   the nearest segments before and after it         where they agree, and no other carrier fits in between
 *   an operator, who has `told`                      not certain, so the report says it
 *   all other files                                  where they agree; the same
 *
 * Throws where nobody can say.
 */
export function processorsOf(
  file: JournalFile,
  files: readonly JournalFile[],
  told: readonly string[],
): { names: readonly string[]; isCertain: boolean } {
  const own = ownHeader(file) ?? headerOfTwin(file, files);
  if (own) return { names: own.processors, isCertain: true };
  const others = files.flatMap((other) => ownHeader(other) ?? []);
  const [before, after] = neighbours(file, others);
  if (before && after && after.epoch - before.epoch <= 1 && isSame(before, after))
    return { names: before.processors, isCertain: true };
  if (told.length > 0) return { names: told, isCertain: false };
  const [any] = others;
  if (any && others.every((other) => isSame(any, other))) return { names: any.processors, isCertain: false };
  throw new Error(`the processors of a file are not known: file=${file.name}; name them with ${TELL}`);
}

function headerOfTwin(file: JournalFile, files: readonly JournalFile[]): JournalHeader | undefined {
  const twin = files.find((other) => other.number === file.number && other.kind !== file.kind);
  return twin && ownHeader(twin);
}

function neighbours(file: JournalFile, headers: readonly JournalHeader[]): (JournalHeader | undefined)[] {
  const segments = headers.filter(({ kind }) => kind === SEGMENT).sort((a, b) => a.number - b.number);
  return [segments.findLast(({ number }) => number < file.number), segments.find(({ number }) => number > file.number)];
}

function isSame(a: JournalHeader, b: JournalHeader): boolean {
  return a.processors.length === b.processors.length && a.processors.every((name, i) => name === b.processors[i]);
}
