import type { Log } from "../log/log.ts";
import type { Meters, Refusal } from "../meters/meters.ts";

/** Where refusals are counted and told. */
export type RefusalNotes = { meters?: Meters | undefined; log?: Log | undefined };

/** A payment is refused before any partition has seen it. */
export function noteRefusal({ meters, log }: RefusalNotes, reason: Refusal, correlationId?: string): void {
  meters?.refused(reason);
  if (log?.isDebug) log.logger.debug({ correlationId, reason }, "payment refused");
}
