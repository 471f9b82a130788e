import type { Ledger } from "../../core/ledger/ledger.ts";
import type { Slot } from "../../core/values/number-types.ts";
import * as State from "../../core/values/state.ts";

/** Where and when an unsettled payment was sent, as far as is known; undefined: nowhere, it is pending. */
export function boundTo({ rows }: Ledger, slot: Slot): { processor: number; requestedAtMs: number } | undefined {
  if (rows.state[slot] === State.PENDING) return undefined;
  return { processor: rows.processor[slot]!, requestedAtMs: rows.requestedAtMs(slot) };
}
