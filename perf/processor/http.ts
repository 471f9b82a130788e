import type { HttpResponse } from "uWebSockets.js";

/** More than any payment or setting needs; what is longer is not read to the end. */
const bodyBytesMax = 64 * 1024;

const reasonOf = {
  200: "200 OK",
  204: "204 No Content",
  400: "400 Bad Request",
  401: "401 Unauthorized",
  404: "404 Not Found",
  413: "413 Payload Too Large",
  415: "415 Unsupported Media Type",
  422: "422 Unprocessable Entity",
  429: "429 Too Many Requests",
  500: "500 Internal Server Error",
} as const;

export type Status = keyof typeof reasonOf;

export function answerJson(res: HttpResponse, status: Status, json: string): void {
  res.cork(() => {
    res.writeStatus(reasonOf[status]).writeHeader("content-type", "application/json; charset=utf-8").end(json);
  });
}

export function answerMessage(res: HttpResponse, status: Status, message: string): void {
  answerJson(res, status, JSON.stringify({ message }));
}

export function answerEmpty(res: HttpResponse, status: Status): void {
  res.cork(() => {
    res.writeStatus(reasonOf[status]).end();
  });
}

export function answerTooMany(res: HttpResponse, retryAfterSeconds: number): void {
  res.cork(() => {
    res
      .writeStatus(reasonOf[429])
      .writeHeader("retry-after", String(retryAfterSeconds))
      .writeHeader("content-type", "application/json; charset=utf-8")
      .end('{"message":"too many requests: try again later"}');
  });
}

export function answerTooLarge(res: HttpResponse): void {
  res.cork(() => {
    // The rest of the body is still on its way: the connection cannot be used again.
    res.writeStatus(reasonOf[413]).end(`{"message":"body over the limit: bytes=${bodyBytesMax}"}`, true);
  });
}

/**
 * Calls back once, with the whole body, or with `undefined` as soon as it is over the limit. The caller has set `onAborted`;
 * after an abort nothing is called.
 */
export function readBody(res: HttpResponse, onBody: (text: string | undefined) => void): void {
  let earlier: Buffer[] | undefined;
  let byteCount = 0;
  res.onData((chunk, isLast) => {
    if (byteCount > bodyBytesMax) return;
    byteCount += chunk.byteLength;
    if (byteCount > bodyBytesMax) {
      onBody(undefined);
      return;
    }
    // The memory of `chunk` is taken back when this callback returns: turned into text now, or copied.
    const part = Buffer.from(chunk);
    if (isLast && earlier === undefined) {
      onBody(part.toString("utf8"));
      return;
    }
    earlier ??= [];
    earlier.push(Buffer.copyBytesFrom(part));
    if (isLast) onBody(Buffer.concat(earlier).toString("utf8"));
  });
}
