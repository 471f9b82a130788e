import { connect, type Socket } from "node:net";
import type { NameLookup } from "../name-lookup.ts";
import { ResponseReader } from "./response-reader.ts";

const CONNECT_TIMEOUT_MS = 5000;
/** Read at a time. A processor's answers are a few hundred bytes. */
const PIECE_BYTES_MAX = 16_384;

/** Why a request has no answer: not a byte of it left, or nobody knows what became of it. */
export type Failure = "unreachable" | "reset" | "timed out";

/**
 * Of one request exactly one of the two, later, never from within a call to the connection. `wasKept`: the connection
 * had served a request before this one, so that whoever is at the other end may have been about to close it.
 */
export interface Receiver {
  /** `body`: as much as ResponseReader keeps. `isProvenEmpty`: it was declared to be empty, and is. */
  answered(status: number, body: string, isProvenEmpty: boolean, wasKept: boolean): void;
  /** `error`: what the system said, or that it said nothing. */
  failed(failure: Failure, error: Error, wasKept: boolean): void;
}

const REASONS: Readonly<Record<Failure, string>> = {
  unreachable: "no connection in time",
  reset: "the connection ended before the answer",
  "timed out": "no answer in time",
};

/** All sockets read into the same bytes: each piece is taken out before the next one is read. */
const received = Buffer.allocUnsafeSlow(PIECE_BYTES_MAX);

/**
 * A kept-alive connection with one request out at a time.
 *
 *   connecting ──► idle ◄──────────────┐
 *       │           │ send             │ a whole answer, and the processor keeps the connection
 *       │           └────► waiting ────┤
 *       ▼ unreachable        ▼ reset   ▼
 *     closed               closed    closed
 *
 * Straight on `net`: undici's dispatch takes 1.7 times the CPU for the same requests (docs/performance.md).
 */
export class Connection {
  /** When it was last given back, in milliseconds of `performance.now()`. */
  idleSinceMs = 0;
  readonly #socket: Socket;
  readonly #reader: ResponseReader;
  readonly #onIdle: (connection: Connection) => void;
  #isConnected = false;
  #isClosed = false;
  #isTimedOut = false;
  #wasUsed = false;
  #unsent: string | undefined;
  #receiver: Receiver | undefined;
  #error: Error | undefined;

  /** `onIdle` is told whenever another request may be sent. An answer's body is of any length unless told otherwise. */
  constructor(
    host: string,
    port: number,
    names: NameLookup,
    onIdle: (connection: Connection) => void,
    bodyBytesMax?: number,
  ) {
    this.#onIdle = onIdle;
    this.#reader = new ResponseReader(undefined, bodyBytesMax);
    const onread = { buffer: received, callback: (count: number) => this.#onRead(count) };
    const { lookup } = names;
    this.#socket = connect({ host, port, lookup, noDelay: true, timeout: CONNECT_TIMEOUT_MS, onread });
    this.#socket.once("connect", () => this.#onConnect());
    this.#socket.once("timeout", () => this.#socket.destroy());
    this.#socket.once("end", () => this.#onEnd());
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
    this.#socket.once("close", () => this.#onClose());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends head and body as they are, once connected; only ASCII. Hot: one string, one system call. */
  send(request: string, receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#isConnected) this.#socket.write(request, "latin1");
    else this.#unsent = request;
  }

  /**
   * Gives up waiting for the answer. The connection goes with it: what came later would be taken for the next one's.
   */
  timeOut(): void {
    this.#isTimedOut = true;
    this.close();
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #onConnect(): void {
    this.#socket.setTimeout(0);
    this.#isConnected = true;
    if (this.#unsent !== undefined) this.#socket.write(this.#unsent, "latin1");
    this.#unsent = undefined;
  }

  /** Hot. Returns whether to go on reading. */
  #onRead(count: number): boolean {
    // Nobody asked for this.
    if (this.#receiver === undefined) this.close();
    else this.#take(received.toString("latin1", 0, count));
    return true;
  }

  #take(text: string): void {
    try {
      if (this.#reader.push(text)) this.#complete();
    } catch (error) {
      this.#error = error as Error;
      this.close();
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

  /** The processor has nothing more to say: that may be what completes the answer. */
  #onEnd(): void {
    if (this.#receiver !== undefined && this.#reader.end()) this.#complete();
    this.close();
  }

  #onClose(): void {
    this.#isClosed = true;
    const receiver = this.#receiver;
    this.#receiver = undefined;
    const failure = !this.#isConnected ? "unreachable" : this.#isTimedOut ? "timed out" : "reset";
    receiver?.failed(failure, this.#error ?? new Error(REASONS[failure]), this.#wasUsed);
  }
}
