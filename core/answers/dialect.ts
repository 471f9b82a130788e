import {
  ADMITTED,
  ALREADY_CHARGED,
  CHARGED,
  ERRED,
  FAILING,
  GARBLED,
  GATEWAY_FAILED,
  MISCONFIGURED,
  OVERLOADED,
  REJECTED,
  UNCLEAR,
  UNEXPECTED,
} from "../values/payment.ts";

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
  /** Whether a 404 of GET /payments/{id} is believed once nothing is under way. */
  readonly believesNotFound: boolean;
};

/** The payment processors of the Rinha de Backend 2025. */
export const CONTEST: Dialect = {
  statuses: {
    307: MISCONFIGURED,
    308: MISCONFIGURED,
    400: REJECTED,
    401: MISCONFIGURED,
    403: MISCONFIGURED,
    404: MISCONFIGURED,
    405: MISCONFIGURED,
    413: REJECTED,
    415: REJECTED,
    422: ALREADY_CHARGED,
    429: OVERLOADED,
  },
  success: [200],
  failure: [500],
  believesNotFound: true,
};

/**
 * What the answer to a POST says. `isProvenEmpty`: its body is declared to be empty. `isMessage`: it is in the
 * processor's words.
 */
export function outcomeOfPost(dialect: Dialect, status: number, isProvenEmpty: boolean, isMessage: boolean): number {
  if (dialect.success.includes(status)) return isMessage ? CHARGED : GARBLED;
  if (dialect.failure.includes(status)) return isProvenEmpty ? FAILING : ERRED;
  return dialect.statuses[status] ?? outcomeOfOther(status);
}

/**
 * A status that the dialect does not know proves nothing: an answer of the processor has ended the attempt, one of a
 * gateway has not.
 */
function outcomeOfOther(status: number): number {
  if (status >= 500) return GATEWAY_FAILED;
  if (status >= 400) return UNCLEAR;
  if (status >= 300) return UNEXPECTED;
  return status === 202 ? ADMITTED : UNCLEAR;
}
