/** What a payment is: its states, the processors it can go to, and what an attempt can end in. */

/** Processors by price, cheapest first; the numbers are array indices everywhere. */
export const DEFAULT = 0;
export const FALLBACK = 1;
export const PROCESSOR_COUNT = 2;
export const NO_PROCESSOR = 0xff;
export const PROCESSOR_NAMES = ["default", "fallback"] as const;
export type Processor = typeof DEFAULT | typeof FALLBACK;

export const FREE = 0;
export const PENDING = 1;
export const SENDING = 2;
export const IN_DOUBT = 3;
export const PROCESSED = 4;
export const FAILED = 5;
export const STATE_NAMES = ["free", "pending", "sending", "in doubt", "processed", "failed"] as const;

/**
 * How an attempt ended. The class of an outcome decides the next state:
 *
 *   charged   the processor has it, at our requestedAt                       → processed
 *   refused   the processor did certainly not charge this attempt            → pending again, or still in doubt
 *   unknown   nobody can say whether this attempt was or will be charged     → in doubt
 *   final     decided by us, no attempt behind it                            → failed
 */
export const NO_OUTCOME = 0;
export const CHARGED = 1; // 200
export const ALREADY_CHARGED = 2; // 422: charged by an earlier attempt, ours or a stranger's
export const FOUND = 3; // GET /payments/{id} says charged, at our requestedAt
export const FAILING = 4; // 500
export const OVERLOADED = 5; // 429
export const REJECTED = 6; // 400, 413, 415: a verdict on this payment, not on the processor
export const MISCONFIGURED = 7; // any other 4xx: nobody's payment would be taken at this address
export const UNREACHABLE = 8; // no connection: not a byte of the request left
export const TIMED_OUT = 9;
export const RESET = 10; // the connection broke after the request was handed to it
export const UNEXPECTED = 11; // an answer that is none of the protocol's
export const NOT_FOUND = 12; // GET /payments/{id} says not charged, so far
export const NOT_TOLD = 13; // GET /payments/{id} gave no usable answer
export const FOREIGN = 14; // charged under a requestedAt that is not ours: somebody else's charge
export const GAVE_UP = 15;
export const LOST = 16; // this process ended before it heard of the answer

export const OUTCOME_NAMES = [
  "none",
  "charged",
  "already charged",
  "found charged",
  "failing",
  "overloaded",
  "rejected",
  "misconfigured",
  "unreachable",
  "timed out",
  "connection reset",
  "unexpected answer",
  "not found",
  "not told",
  "charged by another",
  "gave up",
  "lost",
] as const;

/** Charged for certain. */
export function isCharged(outcome: number): boolean {
  return outcome >= CHARGED && outcome <= FOUND;
}

/** This attempt, taken alone, was certainly not charged. */
export function isRefused(outcome: number): boolean {
  return outcome >= FAILING && outcome <= UNREACHABLE;
}
