import type { Ledger } from "../../core/ledger/ledger.ts";
import type { ProcessorNumbers } from "../../core/log/processor-numbers.ts";
import { NO_PROCESSOR } from "../../core/values/processor.ts";

/** Payments counted at once. */
const COUNTED_PER_STEP = 262_144;

/**
 * What is wrong where payments that are kept were sent to a processor whose name is not configured; undefined where
 * none was. In steps of about a millisecond.
 */
export function* problemOfProcessors(
  ledger: Ledger,
  { names, configuredCount }: ProcessorNumbers,
): Generator<void, string | undefined, void> {
  const counts = new Float64Array(NO_PROCESSOR + 1);
  for (let sequence = ledger.tail; sequence < ledger.head; sequence++) {
    counts[ledger.rows.processor[ledger.slotOf(sequence)]!]!++;
    if (sequence % COUNTED_PER_STEP === 0) yield;
  }
  const configured = names.slice(0, configuredCount);
  const missing = names.slice(configuredCount).flatMap((name, i) => {
    const count = counts[configuredCount + i]!;
    return count > 0 ? [`${name} (${count} ${count === 1 ? "payment" : "payments"})`] : [];
  });
  if (missing.length > 0)
    return (
      "a processor that kept payments were sent to must be configured, by its name, until they are purged or dropped " +
      `by retention: missing=${missing.join(", ")} configured=${configured.join(", ")}`
    );
  const unnamed = counts.subarray(names.length, NO_PROCESSOR).reduce((sum, count) => sum + count, 0);
  return unnamed > 0 ? `records speak of processors that their log names: payments=${unnamed}` : undefined;
}
