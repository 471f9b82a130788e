import * as Outcome from "../values/outcome.ts";

/**
 * What the answers of a processor mean. HTTP leaves much open: another processor may mean something else by the same
 * status.
 */
export type Dialect = {
  /** What a POST's status proves where that does not depend on the body. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Success, if the body says so too. */
  readonly success: readonly number[];
  /** Failure before the charge if the body is empty; with a body nobody knows. */
  readonly failure: readonly number[];
  /** Whether the body of a success must have the contest's form, `{"message": "…"}`. */
  readonly needsMessage: boolean;
  /** Whether a 404 of GET /payments/{id} is believed once nothing is under way. */
  readonly believesNotFound: boolean;
};

/** The payment processors of the Rinha de Backend 2025. */
export const CONTEST: Dialect = {
  statuses: {
    307: Outcome.MISCONFIGURED,
    308: Outcome.MISCONFIGURED,
    400: Outcome.REJECTED,
    401: Outcome.MISCONFIGURED,
    403: Outcome.MISCONFIGURED,
    404: Outcome.MISCONFIGURED,
    405: Outcome.MISCONFIGURED,
    413: Outcome.REJECTED,
    415: Outcome.REJECTED,
    422: Outcome.ALREADY_CHARGED,
    429: Outcome.OVERLOADED,
  },
  success: [200],
  failure: [500],
  needsMessage: true,
  believesNotFound: true,
};

/**
 * What the answer to a POST says. `isProvenEmpty`: its body is declared to be empty. `isMessage`: it is in the
 * processor's words.
 */
export function outcomeOfPost(dialect: Dialect, status: number, isProvenEmpty: boolean, isMessage: boolean): number {
  if (dialect.success.includes(status)) return isMessage ? Outcome.CHARGED : Outcome.GARBLED;
  if (dialect.failure.includes(status)) return isProvenEmpty ? Outcome.FAILING : Outcome.ERRED;
  return dialect.statuses[status] ?? outcomeOfOther(status);
}

/**
 * A status that the dialect does not know proves nothing: an answer of the processor has ended the attempt, one of a
 * gateway has not.
 */
function outcomeOfOther(status: number): number {
  if (status >= 500) return Outcome.GATEWAY_FAILED;
  if (status >= 400) return Outcome.UNCLEAR;
  if (status >= 300) return Outcome.UNEXPECTED;
  return status === 202 ? Outcome.ADMITTED : Outcome.UNCLEAR;
}
