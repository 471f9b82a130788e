import { connect, type Socket } from "node:net";
import type { BadAnswer } from "./misbehaviour.ts";

/**
 * A request's first line comes in one piece from every client there is; one that comes in two is passed on unmarked.
 */
const REQUEST_LINE = /^[A-Z]+ \S+ HTTP\/1\.1\r\n/;
const REQUEST_LINE_BYTES_MAX = 1024;
const NO_BYTES = Buffer.alloc(0);
/** Between the last byte and the reset, or the reader may lose the one to the other. */
const BEFORE_RESET_MS = 20;

/** A caller's connection, and the one that leads on to uWebSockets.js. */
export class FrontConnection {
  readonly #caller: Socket;
  readonly #upstreamPort: number;
  readonly #mark: Buffer;
  #upstream: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #requestCount = 0;

  /** `mark` is a header, put into each request. */
  constructor(caller: Socket, upstreamPort: number, mark: string) {
    this.#caller = caller;
    this.#upstreamPort = upstreamPort;
    this.#mark = Buffer.from(mark);
    caller.on("data", (bytes: Buffer) => this.#forward(bytes));
    caller.on("error", () => {});
    caller.once("close", () => this.close());
  }

  /** Requests that have come so far, the one being answered included. */
  get requestCount(): number {
    return this.#requestCount;
  }

  /** Answers the request in place of uWebSockets.js, which learns that its caller has hung up. */
  answer(bytes: Buffer, byteMs: number, end: BadAnswer["end"]): void {
    this.#leaveUpstream();
    if (bytes.length === 0) this.#end(end, 0);
    else if (byteMs > 0) this.#drip(bytes, byteMs, end);
    else {
      this.#caller.write(bytes, (error) => {
        if (!error) this.#end(end, BEFORE_RESET_MS);
      });
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#leaveUpstream();
    this.#caller.destroy();
  }

  #forward(bytes: Buffer): void {
    const line = REQUEST_LINE.exec(bytes.toString("latin1", 0, REQUEST_LINE_BYTES_MAX))?.[0];
    if (line !== undefined) this.#requestCount++;
    const mark = line === undefined ? NO_BYTES : this.#mark;
    const lineBytes = line?.length ?? 0;
    this.#upstream ??= this.#connectUpstream();
    this.#upstream.write(Buffer.concat([bytes.subarray(0, lineBytes), mark, bytes.subarray(lineBytes)]));
  }

  #connectUpstream(): Socket {
    const upstream = connect({ host: "127.0.0.1", port: this.#upstreamPort, noDelay: true });
    const isCurrent = (): boolean => this.#upstream === upstream;
    upstream.on("data", (bytes: Buffer) => {
      if (isCurrent()) this.#caller.write(bytes);
    });
    upstream.on("error", () => {});
    upstream.once("close", () => {
      if (isCurrent()) this.#caller.destroySoon();
    });
    return upstream;
  }

  #leaveUpstream(): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    upstream?.destroy();
  }

  /** The caller's next request waits until the answer is out. */
  #drip(bytes: Buffer, byteMs: number, end: BadAnswer["end"]): void {
    let sentCount = 0;
    this.#caller.pause();
    this.#timer = setInterval(() => {
      this.#caller.write(bytes.subarray(sentCount, sentCount + 1));
      sentCount++;
      if (sentCount < bytes.length) return;
      clearInterval(this.#timer);
      this.#caller.resume();
      this.#end(end, BEFORE_RESET_MS);
    }, byteMs);
  }

  #end(end: BadAnswer["end"], beforeResetMs: number): void {
    if (end === "close") this.#caller.destroySoon();
    if (end === "reset") this.#timer = setTimeout(() => this.#caller.resetAndDestroy(), beforeResetMs);
  }
}
