import type { HttpRequest, HttpResponse } from "uWebSockets.js";

/** More than any payment or setting needs; what is longer is not read to the end. */
export const BODY_BYTES_MAX = 64 * 1024;

export function isJson(req: HttpRequest): boolean {
  return /^application\/([^;\s]+\+)?json\s*(;|$)/i.test(req.getHeader("content-type"));
}

/**
 * Calls back once, with the whole body, or with `undefined` as soon as it is over the limit. The caller has set
 * `onAborted`; after an abort nothing is called.
 */
export function readBody(res: HttpResponse, onBody: (text: string | undefined) => void): void {
  let earlier: Buffer[] | undefined;
  let byteCount = 0;
  res.onData((chunk, isLast) => {
    if (byteCount > BODY_BYTES_MAX) return;
    byteCount += chunk.byteLength;
    if (byteCount > BODY_BYTES_MAX) {
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
