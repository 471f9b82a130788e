import uws, { type HttpResponse } from "uWebSockets.js";
import { STATUS_CODES } from "node:http";
import { messageJson } from "./json-text.ts";

export type Header = readonly [name: string, value: string];

const JSON_TYPE: readonly Header[] = [["Content-Type", "application/json; charset=utf-8"]];
const HTML_TYPE: readonly Header[] = [["Content-Type", "text/html"]];
const NONE: readonly Header[] = [];

/** The answer whose last chunk is still to be written, without `res` once its caller has hung up. */
type Unended = { res: HttpResponse | null; readonly isLast: boolean };
let unended: Unended | undefined;

/** Not in the declarations of uWebSockets.js. */
type Configurable = { _cfg(key: "silent"): void };

/** For the whole thread: leaves out the header by which uWebSockets.js names itself, which Kestrel would not send. */
export function hideServerName(): void {
  (uws as unknown as Configurable)._cfg("silent");
}

export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ""}`;
}

export function answerJson(res: HttpResponse, status: number, json: string): void {
  answerChunked(res, status, JSON_TYPE, json);
}

export function answerMessage(res: HttpResponse, status: number, message: string): void {
  answerJson(res, status, messageJson(message));
}

export function answerHtml(res: HttpResponse, html: string): void {
  answerChunked(res, 200, HTML_TYPE, html);
}

export function answerTooMany(res: HttpResponse, retryAfterSeconds: number): void {
  answerChunked(res, 429, [["Retry-After", String(retryAfterSeconds)]], "Calm down. Try again later.");
}

export function answerTooLarge(res: HttpResponse, bodyBytesMax: number): void {
  // The rest of the body is still on its way: the connection cannot be used again.
  answerChunked(res, 413, JSON_TYPE, messageJson(`body over the limit: bytes=${bodyBytesMax}`), true);
}

/** The connection is closed after the `isLast` answer. */
export function answerEmpty(
  res: HttpResponse,
  status: number,
  headers: readonly Header[] = NONE,
  isLast = false,
): void {
  res.cork(() => {
    writeHead(res, status, headers, false);
    // No Content-Length, not even 0, which uWebSockets.js can leave out only where it keeps the connection.
    if (status === 204 && !isLast) res.endWithoutBody();
    else res.end(undefined, isLast);
  });
}

/**
 * Kestrel does not know how long a body will be: it hands head and body to its sender as one chunk, and then what ends
 * the chunks. A sender with nothing else to do has sent the first by then, and the reader gets two pieces; a busy one
 * sends both at once. Here one answer at a time is in two pieces, and those that come with it are whole.
 *
 *   HTTP/1.1 200 OK … Transfer-Encoding: chunked … 2c {"message":"…"}     now
 *   0                                                                     when this turn of the event loop is over
 *
 * The line end after the chunk comes with the second piece, in Kestrel with the first. Otherwise they are the same to
 * the byte.
 *
 * From here on nobody else is told of a caller who hangs up. Hot.
 */
export function answerChunked(
  res: HttpResponse,
  status: number,
  headers: readonly Header[],
  body: string,
  isLast = false,
): void {
  const isWhole = unended !== undefined;
  res.cork(() => {
    writeHead(res, status, headers, isLast);
    res.write(body);
    if (isWhole) res.end(undefined, isLast);
  });
  if (isWhole) return;
  const answer: Unended = { res, isLast };
  unended = answer;
  res.onAborted(() => {
    answer.res = null;
  });
  setImmediate(endAnswer);
}

function endAnswer(): void {
  const { res, isLast } = unended!;
  unended = undefined;
  res?.cork(() => res.end(undefined, isLast));
}

function writeHead(res: HttpResponse, status: number, headers: readonly Header[], isLast: boolean): void {
  res.writeStatus(statusLine(status));
  for (const [name, value] of headers) res.writeHeader(name, value);
  if (isLast) res.writeHeader("Connection", "close");
  res.writeHeader("Server", "Kestrel");
}
