import type { Engine } from "../../core/engine.ts";
import { makeTotals } from "../../core/ledger/window-totals.ts";
import { formatCents } from "../../core/values/money.ts";
import { badRequest, type Problem } from "../text/problem.ts";
import { formatTimestamp, parseTimestamp } from "../text/timestamp.ts";

/** An inclusive window over requestedAt; an open end is infinite. */
export type Window = { fromMs: number; toMs: number };

/** One partition's part of a summary, with its watermark, both as of the same moment. */
export type SummaryPart = {
  /** From 0, and the number of its carrier. */
  partition: number;
  epoch: number;
  processors: readonly string[];
  totals: number[];
  settledUntilMs: number;
};

/** A day without a time, which stands for all of it. */
const DAY = /^\d{4}-\d\d-\d\d$/;

/**
 * Reads the two optional ends from a query as it was sent; returns the window or what is wrong. An end that is empty is
 * open. A date alone is the whole day in UTC, from its first to its last millisecond. A fraction of a millisecond
 * narrows the window.
 */
export function parseWindow(query: string): Window | Problem {
  const parameters = new URLSearchParams(query);
  const twice = (["from", "to"] as const).find((name) => parameters.getAll(name).length > 1);
  if (twice) return badRequest(twice, `${twice} must be given once`, parameters.getAll(twice).join("&"));
  const from = parameters.get("from") ?? "";
  const to = parameters.get("to") ?? "";
  const fromMs = from === "" ? Number.NEGATIVE_INFINITY : firstMs(from);
  const toMs = to === "" ? Number.POSITIVE_INFINITY : lastMs(to);
  if (fromMs === undefined) return badTimestamp("from", from);
  if (toMs === undefined) return badTimestamp("to", to);
  return { fromMs, toMs };
}

/** The first whole millisecond of a window that begins there. */
function firstMs(text: string): number | undefined {
  const at = parseTimestamp(DAY.test(text) ? `${text}T00:00` : text);
  return at && at.ms + (at.hasMore ? 1 : 0);
}

/** The last whole millisecond of a window that ends there. */
function lastMs(text: string): number | undefined {
  if (!DAY.test(text)) return parseTimestamp(text)?.ms;
  const end = parseTimestamp(`${text}T24:00`);
  return end && end.ms - 1;
}

export function isProblem(value: Window | Problem): value is Problem {
  return "status" in value;
}

/**
 * A partition's part. Watermark and totals are read in one turn, so nothing settles in between. The part may leave once
 * the batch is written: see Engine.giveOutWatermark.
 */
export function summaryPart(engine: Engine, window: Window, nowMs: number, isWritable = true): SummaryPart {
  const totals = makeTotals(engine.ledger.processorCount);
  engine.ledger.sum(window.fromMs, window.toMs, totals);
  return {
    partition: 0,
    epoch: 0,
    processors: engine.processorNames,
    totals: Array.from(totals),
    settledUntilMs: engine.giveOutWatermark(nowMs, isWritable),
  };
}

/**
 * The parts of all partitions together, at least one and all of the same processors: body and watermark. BigInt,
 * because only a part is sure to fit a double.
 */
export function combineParts(parts: readonly Omit<SummaryPart, "partition" | "epoch">[]): {
  body: string;
  settledUntil: string;
} {
  const fields = parts[0]!.processors.map((name, processor) => {
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
  const examples = "2025-07-15, 2025-07-15T12:34:56.789Z or 2025-07-15T09:34:56-03:00";
  return badRequest(field, `${field} must be an ISO 8601 date or timestamp such as ${examples}`, value);
}
