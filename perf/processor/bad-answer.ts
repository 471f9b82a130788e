import type { HttpResponse } from "uWebSockets.js";
import type { ChargeTexts } from "./charge-json.ts";
import type { FrontConnection } from "./front-connection.ts";
import { answerChunked, answerEmpty, statusLine } from "./kestrel.ts";
import { type BadAnswer, isBare } from "./misbehaviour.ts";

/**
 * `texts` are what a body may ask for as `{{name}}`. `connection` is where the request came from, if the front has
 * passed it on.
 */
export function answerBadly(
  res: HttpResponse,
  answer: BadAnswer,
  texts: Partial<ChargeTexts>,
  connection: FrontConnection | undefined,
): void {
  const { status, headers, end } = answer;
  const body = fillIn(answer.body, texts);
  if (isBare(answer)) {
    leaveTo(res);
    if (connection === undefined) res.close();
    else connection.answer(bytesOf(answer, body), answer.byteMs, end);
  } else if (status === 0) {
    leaveTo(res);
    if (end === "close") res.close();
  } else if (body === "") answerEmpty(res, status, headers, end === "close");
  else answerChunked(res, status, headers, body, end === "close");
}

/** uWebSockets.js insists on being heard when the caller of an unanswered request hangs up. */
function leaveTo(res: HttpResponse): void {
  res.onAborted(() => {});
}

/** Names that are not known are left as they are. */
function fillIn(body: string, texts: Readonly<Record<string, string>>): string {
  return body.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => texts[name] ?? placeholder);
}

/** The raw bytes, or those of an ordinary answer. */
function bytesOf({ status, headers, raw, end }: BadAnswer, body: string): Buffer {
  if (status === 0) return raw;
  const lines = [
    `HTTP/1.1 ${statusLine(status)}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(end === "close" ? ["Connection: close"] : []),
    "Server: Kestrel",
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
