import { PROBLEM_STATUS, PROBLEM_TYPE_PREFIX, type ProblemName } from "./problem-types.ts";

/**
 * An error answer: application/problem+json (RFC 9457) with the rule that was broken and, where there is one, the
 * field.
 */
export type Problem = {
  name: ProblemName;
  status: number;
  /** `rule: name=value` */
  detail: string;
  field?: string;
  /** Of a 503 to a payment: what became of this request. */
  accepted?: Accepted;
};

/**
 * Whether a request's payment was taken although it is answered 503: `no`, nothing will come of this request (an
 * earlier one for the same payment stands); `unknown`, it may have been: repeating it is safe and tells.
 */
export type Accepted = "no" | "unknown";

/** How long a client does well to wait before it repeats a request that was not taken. */
export const RETRY_AFTER_S = 1;

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "Version Not Supported",
};

const SHOWN_CHARS_MAX = 64;

export function titleOf(status: number): string {
  return TITLES[status] ?? "Error";
}

export function problemBody(problem: Problem): string {
  const { name, status, detail, field, accepted } = problem;
  const type = PROBLEM_TYPE_PREFIX + name;
  const members = { ...(field && { field }), ...(accepted && { accepted }) };
  return JSON.stringify({ type, title: titleOf(status), status, detail, ...members });
}

export function problem(name: ProblemName, detail: string): Problem {
  return { name, status: PROBLEM_STATUS[name], detail };
}

/** A refusal of what the client sent. */
export function badRequest(field: string, rule: string, value?: unknown): Problem {
  const detail = value === undefined ? rule : `${rule}: ${field}=${shown(value)}`;
  return { ...problem("invalid-request", detail), field };
}

/**
 * A payment is not taken: `accepted` says whether that is certain. The balancer says the same in the same words
 * (nginx.conf).
 */
export function paymentUnavailable(name: ProblemName, reason: string, accepted: Accepted): Problem {
  const meaning =
    accepted === "no"
      ? "the payment was not accepted"
      : "the payment may have been accepted: repeat it, it is never charged twice";
  return { ...problem(name, `${reason}; ${meaning}`), accepted };
}

/** The value as JSON, cut to a length that is safe to echo. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
