import type { HttpRequest, HttpResponse } from "uWebSockets.js";

const ignoreAbort = (): void => {};

/**
 * Reads a request body of at most `bytesMax` and calls `onBody` with it, once, within a uWS callback: the bytes are only valid
 * until it returns. A longer body calls `onTooLarge` instead, once, as soon as that is known. After an abort neither is called, but
 * `onAborted`, unless another handler has taken its place by then.
 * Hot: a body in one chunk, the usual case, is not copied.
 */
export function readBody(
  req: HttpRequest,
  res: HttpResponse,
  bytesMax: number,
  onBody: (body: Uint8Array) => void,
  onTooLarge: () => void,
  onAborted: () => void = ignoreAbort,
): void {
  // uWS wants to be told of somebody who cares; here the chunks simply stop coming.
  res.onAborted(onAborted);
  if (Number(req.getHeader("content-length")) > bytesMax) {
    onTooLarge();
    return;
  }
  let gathered: Uint8Array | undefined;
  let isOver = false;
  res.onData((chunk, isLast) => {
    if (isOver) return;
    const length = (gathered?.length ?? 0) + chunk.byteLength;
    if (length > bytesMax) {
      isOver = true;
      onTooLarge();
    } else if (isLast && gathered === undefined) {
      onBody(new Uint8Array(chunk));
    } else {
      gathered = append(gathered, chunk);
      if (isLast) onBody(gathered);
    }
  });
}

function append(before: Uint8Array | undefined, chunk: ArrayBuffer): Uint8Array {
  const length = before?.length ?? 0;
  const bytes = new Uint8Array(length + chunk.byteLength);
  if (before) bytes.set(before);
  bytes.set(new Uint8Array(chunk), length);
  return bytes;
}
