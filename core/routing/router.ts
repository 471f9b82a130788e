import type { ReasonCode } from "../values/reason.ts";

export const NOWHERE = -1;

/** A policy: where and when a payment is sent that is bound to no processor. Times are engine time. */
export interface Router {
  /** Why the last choice was made. */
  readonly reason: ReasonCode;
  /**
   * The processor that is to be tried now with the youngest payment waiting, to find out whether it works again, or
   * NOWHERE. `ageMs`: since its acceptance. `isTried`: all that wait have been sent before.
   */
  probe(ageMs: number, isTried: boolean, nowMs: number): number;
  /** Whether a payment of `ageMs` can no longer be in time: then those that can are sent before it. */
  isLate(ageMs: number, nowMs: number): boolean;
  /**
   * Where the oldest payment waiting goes now, or NOWHERE. `ageMs`: since its acceptance. `waitingCount`: payments
   * waiting, this one included. Hot: no allocation.
   */
  choose(ageMs: number, waitingCount: number, nowMs: number): number;
}
