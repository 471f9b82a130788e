import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { type Problem, problemBody, RETRY_AFTER_S, titleOf } from "../problem.ts";
import type { Tracing } from "../telemetry/tracing.ts";

/** A whole HTTP answer. Hot answers are written straight to uWS instead. */
export type Answer = {
  status: number;
  headers?: readonly (readonly [string, string])[];
  /** Always JSON; `problem` tells which kind. */
  body?: string;
  isProblem?: boolean;
};

const REASONS: Readonly<Record<number, string>> = { 200: "OK", 202: "Accepted", 204: "No Content" };

export function jsonAnswer(body: string, headers: Answer["headers"] = []): Answer {
  return { status: 200, body, headers };
}

export function problemAnswer(problem: Problem, headers: Answer["headers"] = []): Answer {
  const all = problem.status === 503 ? [...headers, ["Retry-After", String(RETRY_AFTER_S)] as const] : headers;
  return { status: problem.status, body: problemBody(problem), isProblem: true, headers: all };
}

export function statusLine(status: number): string {
  return `${status} ${REASONS[status] ?? titleOf(status)}`;
}

/** Writes answers with the headers that all answers of an API share. What is traced hears of each. */
export class AnswerWriter {
  readonly tracing: Tracing | undefined;
  readonly #shared: readonly (readonly [string, string])[];

  constructor(shared: readonly (readonly [string, string])[] = [], tracing?: Tracing) {
    this.tracing = tracing;
    this.#shared = shared;
  }

  /** Writes within a uWS callback. `isHead`: everything but the body. */
  write(res: HttpResponse, answer: Answer, isHead = false): void {
    this.tracing?.requests.answered(res, answer.status);
    res.cork(() => {
      res.writeStatus(statusLine(answer.status));
      this.writeShared(res);
      for (const [name, value] of answer.headers ?? []) res.writeHeader(name, value);
      if (answer.body === undefined) {
        // An explicit undefined would count as a length.
        if (answer.status === 204) res.endWithoutBody();
        else res.endWithoutBody(0);
        return;
      }
      res.writeHeader("Content-Type", answer.isProblem ? "application/problem+json" : "application/json");
      if (isHead) this.#endHead(res, answer.body);
      else res.end(answer.body);
    });
  }

  /** With a length of its own, endWithoutBody would take the answer for unfinished and end the process. */
  #endHead(res: HttpResponse, body: string): void {
    res.writeHeader("Content-Length", String(Buffer.byteLength(body)));
    res.endWithoutBody();
  }

  /** Hot: nothing to do unless headers were configured. */
  writeShared(res: HttpResponse): void {
    for (const [name, value] of this.#shared) res.writeHeader(name, value);
  }

  /** Writes when the promise settles, unless the client has gone; a rejection is a broken invariant and is passed on. */
  writeLater(res: HttpResponse, promise: Promise<Answer>, isHead = false): void {
    let isAborted = false;
    res.onAborted(() => {
      isAborted = true;
      this.tracing?.requests.aborted(res);
    });
    void promise.then((answer) => {
      if (!isAborted) this.write(res, answer, isHead);
    });
  }
}

export function isHeadRequest(req: HttpRequest): boolean {
  return req.getCaseSensitiveMethod() === "HEAD";
}
