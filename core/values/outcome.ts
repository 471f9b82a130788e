/**
 * What came of a request about a payment. What that means for the payment depends on what was sent before: see
 * verdict.ts. The numbers are in journals: they are only ever added to. To be imported as `Outcome`.
 */
export const NONE = 0;
export const CHARGED = 1; // the processor's success
export const ALREADY_CHARGED = 2; // 422: the correlationId is charged, by an earlier attempt of ours or by a stranger's
export const FOUND = 3; // GET /payments/{id} says charged, with our amount at our requestedAt
export const FAILING = 4; // an empty 500: the processor's failure switch
export const OVERLOADED = 5; // 429
export const REJECTED = 6; // 400, 413, 415: a verdict on this payment, or so it seems
export const MISCONFIGURED = 7; // 401, 403, 404, 405, 307, 308: nobody's payment would be taken at this address
export const UNREACHABLE = 8; // no connection: not a byte of the request left
export const TIMED_OUT = 9;
export const RESET = 10; // the connection broke after the request was handed to it
export const UNEXPECTED = 11; // a redirect that proves nothing
export const NOT_FOUND = 12; // GET /payments/{id} says not charged, so far
export const NOT_TOLD = 13; // GET /payments/{id} gave no usable answer
export const FOREIGN = 14; // charged with another amount or at another requestedAt: somebody else's charge
export const GAVE_UP = 15;
export const LOST = 16; // this process ended before it heard of the answer
export const ERRED = 17; // a 500 with a body: an exception, before or after the charge
export const GATEWAY_FAILED = 18; // 502, 503, 504 and other 5xx: from something in between
export const UNCLEAR = 19; // 409 and other answers that do not say whether it was charged
export const NOT_CHARGED = 20; // GET /payments/{id} says not charged, and nothing is under way that could change that
export const UNREADABLE = 21; // GET /payments/{id} says charged, and not with which amount or when
export const SETTLED_BY_HAND = 22; // an operator's word
export const DROPPED = 23; // a kept connection broke, or timed out as the request came: says nothing of the processor
export const DISPUTED = 24; // GET /payments/{id} says charged, with our amount, at another time since it is ours
export const GARBLED = 25; // a success that is not in the processor's words
export const ADMITTED = 26; // 202: taken, and charged later or not
export const NO_SOCKET = 27; // this process has no descriptor or port left for a connection: not a byte left
export const ASKED = 28; // about to be sent once more although its attempts had ended

export const NAMES = [
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
  "server error",
  "gateway failed",
  "unclear answer",
  "not charged",
  "unreadable charge",
  "settled by hand",
  "kept connection dropped",
  "disputed charge",
  "garbled success",
  "admitted",
  "no socket",
  "asked again",
] as const;

/** The processor itself has said that the payment is charged. */
export function isCharged(outcome: number): boolean {
  return outcome >= CHARGED && outcome <= FOUND;
}

/** Whether the processor, or somebody in its place, said something. */
export function isAnswer(outcome: number): boolean {
  return (
    outcome !== TIMED_OUT &&
    outcome !== RESET &&
    outcome !== DROPPED &&
    outcome !== UNREACHABLE &&
    outcome !== NO_SOCKET
  );
}
