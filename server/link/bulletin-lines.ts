import { MAX_PARTITIONS } from "../../core/values/payment-id.ts";
import type { Bulletin, Carriage } from "../partition/neighbours.ts";
import { parseObject } from "../text/json-object.ts";
import { isEpoch, isPartition } from "./peer-answers.ts";

/** A bulletin of an instance that carries 256 partitions has some 20,000: whoever says more is no instance. */
export const LINE_BYTES_MAX = 1 << 15;
const LIFE_CHARS_MAX = 64;
const NEWLINE = 0x0a;
const STATES: readonly unknown[] = ["adopting", "carried", "leaving"] satisfies Carriage["state"][];

/** Cuts a stream of bytes into lines. */
export class BulletinLines {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * Takes in a piece of the stream. Returns the last line that is whole now, if any: those before it are out of date
   * (whoever was stopped for a while finds many). Undefined when a line is longer than any of an instance's.
   */
  take(piece: Buffer): { line: string | undefined } | undefined {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const end = bytes.lastIndexOf(NEWLINE);
    const begin = end > 0 ? bytes.lastIndexOf(NEWLINE, end - 1) + 1 : 0;
    if (Math.max(bytes.length - end - 1, end - begin) > LINE_BYTES_MAX) return undefined;
    // A copy: the piece may be a part of something much larger.
    this.#rest = Buffer.from(bytes.subarray(end + 1));
    return { line: end < 0 ? undefined : bytes.toString("utf8", begin, end) };
  }
}

/** The line as a bulletin of this instance; undefined where it does not have the shape of one. */
export function bulletinOf(line: string, instance: number): Bulletin | undefined {
  const { instance: theirs, life, upMs, isLeaving, carries } = parseObject(line) ?? {};
  if (theirs !== instance || !isLife(life) || !isTime(upMs) || typeof isLeaving !== "boolean") return undefined;
  const carriages = carriagesOf(carries);
  return carriages && { instance, life, upMs, isLeaving, carries: carriages };
}

/** Whether a later bulletin says anything new; that the instance has been up for longer is nothing. */
export function saysTheSame(earlier: Bulletin, later: Bulletin): boolean {
  return (
    earlier.life === later.life &&
    earlier.isLeaving === later.isLeaving &&
    JSON.stringify(earlier.carries) === JSON.stringify(later.carries)
  );
}

function carriagesOf(value: unknown): Carriage[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_PARTITIONS) return undefined;
  const carriages = value.map(carriageOf).filter((carriage) => carriage !== undefined);
  const isEachOne = new Set(carriages.map(({ partition }) => partition)).size === value.length;
  return isEachOne ? carriages : undefined;
}

function carriageOf(value: unknown): Carriage | undefined {
  const { partition, epoch, state, sinceMs } = (value ?? {}) as Record<string, unknown>;
  if (!isPartition(partition) || !isEpoch(epoch) || !STATES.includes(state) || !isTime(sinceMs)) return undefined;
  return { partition, epoch, state: state as Carriage["state"], sinceMs };
}

function isLife(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= LIFE_CHARS_MAX;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
