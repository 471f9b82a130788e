import type { Network, Wire, WireEvents } from "../system/network.ts";
import { type Connection, FAILURE_REASONS, type Receiver, type WireRequest } from "./connection.ts";
import { type Endpoint, headerLines } from "./endpoint.ts";
import { ResponseReader } from "./response-reader.ts";

/** A connection by plain sockets: undici takes 1.7 times the CPU for the same requests (docs/performance.md). */
export class PlainConnection implements Connection, WireEvents {
  idleSinceMs = 0;
  readonly #headLines: string;
  readonly #wire: Wire;
  readonly #reader: ResponseReader;
  readonly #onIdle: (connection: PlainConnection) => void;
  #isConnected = false;
  #isClosed = false;
  #isTimedOut = false;
  #wasUsed = false;
  #unsent: string | undefined;
  #receiver: Receiver | undefined;
  #error: Error | undefined;

  /** `onIdle` is told whenever another request may be sent. An answer's body is of any length unless told otherwise. */
  constructor(
    endpoint: Endpoint,
    network: Network,
    onIdle: (connection: PlainConnection) => void,
    bodyBytesMax?: number,
  ) {
    this.#onIdle = onIdle;
    this.#headLines = `Host: ${endpoint.hostHeader}\r\n${headerLines(endpoint.headers)}`;
    this.#reader = new ResponseReader(undefined, bodyBytesMax);
    this.#wire = network.connect(endpoint.host, endpoint.port, this);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Hot: one string, one system call. */
  send(request: WireRequest, receiver: Receiver): void {
    const text = this.#textOf(request);
    this.#receiver = receiver;
    if (this.#isConnected) this.#wire.send(text);
    else this.#unsent = text;
  }

  timeOut(): void {
    this.#isTimedOut = true;
    this.close();
  }

  close(): void {
    this.#isClosed = true;
    this.#wire.close();
  }

  connected(): void {
    this.#isConnected = true;
    if (this.#unsent !== undefined) this.#wire.send(this.#unsent);
    this.#unsent = undefined;
  }

  /** Hot. */
  received(text: string): void {
    // Without a receiver nobody asked for this.
    if (this.#receiver === undefined) this.close();
    else if (this.#read(text)) this.#complete();
  }

  /** The processor has nothing more to say: that may be what completes the answer. */
  ended(): void {
    if (this.#receiver !== undefined && this.#reader.end()) this.#complete();
    this.close();
  }

  closed(error: Error | undefined): void {
    this.#isClosed = true;
    const receiver = this.#receiver;
    this.#receiver = undefined;
    const failure = !this.#isConnected ? "unreachable" : this.#isTimedOut ? "timed out" : "reset";
    receiver?.failed(failure, this.#error ?? error ?? new Error(FAILURE_REASONS[failure]), this.#wasUsed);
  }

  /** Hot. */
  #textOf({ method, path, headers, body }: WireRequest): string {
    const head = `${method} ${path} HTTP/1.1\r\n${this.#headLines}${headerLines(headers)}`;
    if (method === "GET") return `${head}\r\n`;
    return `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }

  /** Whether the answer is complete. What is wrong with one is the processor's; what its receiver does is not. */
  #read(text: string): boolean {
    try {
      return this.#reader.push(text);
    } catch (error) {
      this.#error = error as Error;
      this.close();
      return false;
    }
  }

  #complete(): void {
    const { status, body, keepsAlive, isProvenEmpty } = this.#reader;
    const receiver = this.#receiver!;
    const wasKept = this.#wasUsed;
    this.#wasUsed = true;
    this.#receiver = undefined;
    this.#reader.reset();
    if (!keepsAlive) this.close();
    receiver.answered(status, body, isProvenEmpty, wasKept);
    if (!this.#isClosed) this.#onIdle(this);
  }
}
