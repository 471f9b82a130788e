import { HEADER_BYTES } from "../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../core/log/record.ts";
import type { Random } from "../support/random.ts";
import type { VirtualDisk } from "./virtual-disk.ts";

const SEGMENT_NAME = /^segment-(\d+)\.journal$/;
const CHECKPOINT_NAME = /^checkpoint-(\d+)\.journal$/;

/**
 * Does to a journal what no crash does: takes a segment away that is needed and not the last, or changes a byte of a
 * record that is not the last. Says what it did, or undefined where the journal is too short for that.
 */
export function damage(disk: VirtualDisk, directory: string, random: Random): string | undefined {
  const names = disk.list(directory);
  const firstNumber = Math.max(1, ...numbersOf(names, CHECKPOINT_NAME));
  const segments = names.filter((name) => Number(SEGMENT_NAME.exec(name)?.[1] ?? 0) >= firstNumber).sort();
  if (segments.length > 1 && random.chance(0.5)) {
    const name = random.pick(segments.slice(0, -1));
    disk.remove(`${directory}/${name}`);
    return `removed=${name}`;
  }
  const name = random.pick(segments);
  const file = disk.file(`${directory}/${name}`);
  const records = Math.floor((file.length - HEADER_BYTES) / RECORD_BYTES) - (name === segments.at(-1) ? 1 : 0);
  if (records < 1) return undefined;
  const at = HEADER_BYTES + random.below(records * RECORD_BYTES);
  file.bytes[at]! ^= 1 << random.below(8);
  return `changed=${name} byte=${at}`;
}

function numbersOf(names: readonly string[], pattern: RegExp): number[] {
  return names.flatMap((name) => pattern.exec(name)?.[1] ?? []).map(Number);
}
