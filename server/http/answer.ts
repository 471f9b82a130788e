import { type Problem, problemBody, RETRY_AFTER_S, titleOf } from "../text/problem.ts";

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

export function jsonAnswer(body: string, headers: Answer["headers"] = []): Answer {
  return { status: 200, body, headers };
}

export function problemAnswer(problem: Problem, headers: Answer["headers"] = []): Answer {
  const all = problem.status === 503 ? [...headers, ["Retry-After", String(RETRY_AFTER_S)] as const] : headers;
  return { status: problem.status, body: problemBody(problem), isProblem: true, headers: all };
}

export function tooLargeAnswer(bytesMax: number): Answer {
  return problemAnswer({ status: 413, detail: `the body is too large: maxBytes=${bytesMax}` });
}

export function notAllowedAnswer(method: string, allow: string): Answer {
  return problemAnswer({ status: 405, detail: `this method is not allowed here: method=${method}` }, [
    ["Allow", allow],
  ]);
}

export function statusLine(status: number): string {
  return `${status} ${REASONS[status] ?? titleOf(status)}`;
}
