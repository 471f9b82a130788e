import type { OutcomeCode } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { PROCESSOR_NAMES } from "../../core/values/processor.ts";

/** By the numbers in record.ts. */
export const KIND_NAMES: readonly string[] = [
  "none",
  "accepted",
  "sending",
  "refused",
  "doubted",
  "processed",
  "failed",
  "purged",
  "slice",
  "evicted",
  "watermark",
  "clock",
  "sent",
];

export function kindName(kind: number): string {
  return KIND_NAMES[kind] ?? `kind ${kind}`;
}

export function outcomeName(outcome: OutcomeCode): string {
  return Outcome.NAMES[outcome] ?? `outcome ${outcome}`;
}

export function processorName(processor: number): string {
  return PROCESSOR_NAMES[processor] ?? "-";
}

/** An ISO timestamp, or what cannot be one: damage is to be shown, not to be stumbled over. */
export function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
