import type { OutcomeCode } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as Reason from "../../core/values/reason.ts";

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

/** `names`: by the number that the record has. */
export function processorName(names: readonly string[], processor: number): string {
  return names[processor] ?? "-";
}

export function reasonName(reason: number): string {
  return Reason.NAMES[reason] ?? `reason ${reason}`;
}

/** An ISO timestamp, or what cannot be one: damage is to be shown, not to be stumbled over. */
export function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
