import { type Problem, problem, problemBody, RETRY_AFTER_S, titleOf } from "../text/problem.ts";

/** A whole HTTP answer. */
export type Answer = {
  status: number;
  headers?: readonly (readonly [string, string])[];
  /** JSON, unless `contentType` says otherwise; `isProblem` tells which kind. */
  body?: string;
  isProblem?: boolean;
  contentType?: string;
};

const REASONS: Readonly<Record<number, string>> = { 200: "OK", 202: "Accepted", 204: "No Content" };

/** Goes with every answer that may be another one soon. */
export const RETRY_SOON = ["Retry-After", String(RETRY_AFTER_S)] as const;

export function jsonAnswer(body: string, headers: Answer["headers"] = []): Answer {
  return { status: 200, body, headers };
}

export function problemAnswer(told: Problem, headers: Answer["headers"] = []): Answer {
  const all = told.status === 503 ? [...headers, RETRY_SOON] : headers;
  return { status: told.status, body: problemBody(told), isProblem: true, headers: all };
}

export function tooLargeAnswer(bytesMax: number): Answer {
  return problemAnswer(problem("body-too-large", `the body is too large: maxBytes=${bytesMax}`));
}

export function notAllowedAnswer(method: string, allow: string): Answer {
  return problemAnswer(problem("method-not-allowed", `this method is not allowed here: method=${method}`), [
    ["Allow", allow],
  ]);
}

export function statusLine(status: number): string {
  return `${status} ${REASONS[status] ?? titleOf(status)}`;
}
