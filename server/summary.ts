import type { Engine } from "../core/engine.ts";
import { formatCents } from "../core/money.ts";
import { PROCESSOR_NAMES } from "../core/payment.ts";
import { TOTALS_LENGTH } from "../core/window-totals.ts";
import { badRequest, type Problem } from "./problem.ts";
import { formatTimestamp, parseTimestamp } from "./timestamp.ts";

/** An inclusive window over requestedAt; an open end is infinite. */
export type Window = { fromMs: number; toMs: number };

/** One instance's part of a summary, with its watermark, both as of the same moment. */
export type SummaryPart = { totals: number[]; settledUntilMs: number };

/** Reads the two optional ends; returns the window or what is wrong. A fraction of a millisecond narrows the window. */
export function parseWindow(from: string | undefined, to: string | undefined): Window | Problem {
  const start = from === undefined ? undefined : parseTimestamp(from);
  const end = to === undefined ? undefined : parseTimestamp(to);
  if (from !== undefined && !start?.hasZone) return badTimestamp("from", from);
  if (to !== undefined && !end?.hasZone) return badTimestamp("to", to);
  return {
    fromMs: start ? start.ms + (start.hasMore ? 1 : 0) : Number.NEGATIVE_INFINITY,
    toMs: end ? end.ms : Number.POSITIVE_INFINITY,
  };
}

export function isProblem(value: Window | Problem): value is Problem {
  return "status" in value;
}

/**
 * This instance's part. Watermark and totals are read in one turn, so nothing settles in between. See Engine.giveOutWatermark: the part may
 * leave once the batch is written.
 */
export function summaryPart(engine: Engine, window: Window, nowMs: number, isWritable = true): SummaryPart {
  const totals = new Float64Array(TOTALS_LENGTH);
  engine.ledger.sum(window.fromMs, window.toMs, totals);
  return { totals: Array.from(totals), settledUntilMs: engine.giveOutWatermark(nowMs, isWritable) };
}

/** The parts of all instances together: body and watermark. BigInt, because only a part is sure to fit a double. */
export function combineParts(parts: readonly SummaryPart[]): { body: string; settledUntil: string } {
  const fields = PROCESSOR_NAMES.map((name, processor) => {
    let count = 0n;
    let cents = 0n;
    for (const { totals } of parts) {
      count += BigInt(totals[processor * 2]!);
      cents += BigInt(totals[processor * 2 + 1]!);
    }
    return `"${name}":{"totalRequests":${count},"totalAmount":${formatCents(cents)}}`;
  });
  const settledUntilMs = Math.min(...parts.map((part) => part.settledUntilMs));
  return { body: `{${fields.join(",")}}`, settledUntil: formatTimestamp(settledUntilMs) };
}

function badTimestamp(field: string, value: string): Problem {
  return badRequest(field, `${field} must be an ISO 8601 timestamp in UTC such as 2025-07-15T12:34:56.789Z`, value);
}
