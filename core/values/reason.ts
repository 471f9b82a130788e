/**
 * Why a payment was sent where it went. The numbers are in journals: they are only ever added to. To be imported as
 * `Reason`.
 */
export const NONE = 0; // not sent yet, or sent by a version that did not say
export const CHEAPEST = 1; // no processor is cheaper
export const PROBE = 2; // to find out whether the processor works again
export const CHEAPER_DOWN = 3; // waiting for a cheaper one that is down is not worth it, or no longer
export const CHEAPER_SLOW = 4; // a cheaper one takes longer to answer than it may
export const CHEAPER_FULL = 5; // a cheaper one cannot charge all that waits in time
export const OVERDUE = 6; // the time to settle is over: whoever can

export const NAMES = ["none", "cheapest", "probe", "cheaper down", "cheaper slow", "cheaper full", "overdue"] as const;

/** One of the constants above. */
export type ReasonCode = number & { readonly numberType?: "reason" };
