import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import type { RouteMeters } from "../meters/meters.ts";
import { type Answer, statusLine, tooLargeAnswer } from "./answer.ts";

export type Header = readonly [name: string, value: string];

/** Whoever waits for the answer to a payment. */
export interface Asker {
  answer(answer: Answer): void;
  /** 202, with where the payment can be looked at. */
  answerAccepted(location: string): void;
}

/** Whoever follows requests from their heads to their answers; see RequestSpans. */
export interface ExchangeWatch {
  began(exchange: Exchange, req: HttpRequest, method: string, route: string): void;
  answered(exchange: Exchange, status: number): void;
  /** The client has gone before it was answered. */
  aborted(exchange: Exchange): void;
}

/** What all requests to an API share. */
export type ExchangeContext = {
  /** Go with every answer. */
  readonly sharedHeaders: readonly Header[];
  readonly spans: ExchangeWatch | undefined;
};

/** Nothing shared. */
export const PLAIN: ExchangeContext = { sharedHeaders: [], spans: undefined };

/** A request to one of our routes, until it is answered: at most once, and not at all when its client has gone. */
export class Exchange implements Asker {
  readonly #res: HttpResponse;
  readonly #context: ExchangeContext;
  readonly #meters: RouteMeters | undefined;
  readonly #isHead: boolean;
  readonly #beganAtMs = performance.now();
  #isOver = false;

  /** To be made within the route's handler. */
  constructor(res: HttpResponse, isHead: boolean, context: ExchangeContext, meters?: RouteMeters) {
    this.#res = res;
    this.#isHead = isHead;
    this.#context = context;
    this.#meters = meters;
    res.onAborted(() => {
      this.#isOver = true;
      context.spans?.aborted(this);
    });
  }

  answer(answer: Answer): void {
    if (!this.#begin()) return;
    const res = this.#res;
    res.cork(() => {
      res.writeStatus(statusLine(answer.status));
      this.#writeShared();
      for (const [name, value] of answer.headers ?? []) res.writeHeader(name, value);
      this.#writeBody(answer);
    });
    this.#end(answer.status);
  }

  /** Answers when the promise settles; a rejection is a broken invariant and is passed on. */
  answerLater(promise: Promise<Answer>): void {
    void promise.then((answer) => this.answer(answer));
  }

  /** 202 without a body. Hot. */
  answerAccepted(location: string): void {
    if (!this.#begin()) return;
    const res = this.#res;
    res.cork(() => {
      res.writeStatus("202 Accepted");
      this.#writeShared();
      res.writeHeader("Location", location);
      res.endWithoutBody(0);
    });
    this.#end(202);
  }

  /**
   * Reads the body, of at most `bytesMax`, and calls `onBody` with it, once, within a uWS callback: the bytes are only
   * valid until it returns. A longer body calls `onTooLarge` instead, once, as soon as that is known. After an abort
   * neither is called. Hot: a body in one chunk, the usual case, is not copied.
   */
  readBody(contentLength: string, bytesMax: number, onBody: (body: Uint8Array) => void, onTooLarge: () => void): void {
    if (Number(contentLength) > bytesMax) {
      onTooLarge();
      return;
    }
    let gathered: Uint8Array | undefined;
    let isOver = false;
    this.#res.onData((chunk, isLast) => {
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

  /** The same, answering 413 to a longer body. To be called within the route's handler. */
  readBodyUpTo(bytesMax: number, req: HttpRequest, onBody: (body: Uint8Array) => void): void {
    this.readBody(req.getHeader("content-length"), bytesMax, onBody, () => this.answer(tooLargeAnswer(bytesMax)));
  }

  #begin(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    return true;
  }

  #end(status: number): void {
    this.#meters?.answered(status, performance.now() - this.#beganAtMs);
    this.#context.spans?.answered(this, status);
  }

  #writeBody({ status, body, isProblem, contentType = "application/json" }: Answer): void {
    const res = this.#res;
    if (body === undefined) {
      // An explicit undefined would count as a length.
      if (status === 204) res.endWithoutBody();
      else res.endWithoutBody(0);
      return;
    }
    res.writeHeader("Content-Type", isProblem ? "application/problem+json" : contentType);
    if (!this.#isHead) {
      res.end(body);
      return;
    }
    // With a length of its own, endWithoutBody would take the answer for unfinished and end the process.
    res.writeHeader("Content-Length", String(Buffer.byteLength(body)));
    res.endWithoutBody();
  }

  /** Hot: nothing to do unless headers were configured. */
  #writeShared(): void {
    for (const [name, value] of this.#context.sharedHeaders) this.#res.writeHeader(name, value);
  }
}

function append(before: Uint8Array | undefined, chunk: ArrayBuffer): Uint8Array {
  const length = before?.length ?? 0;
  const bytes = new Uint8Array(length + chunk.byteLength);
  if (before) bytes.set(before);
  bytes.set(new Uint8Array(chunk), length);
  return bytes;
}
