import type { Network, Wire, WireEvents } from "../system/network.ts";
import { ResponseReader } from "./response-reader.ts";

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

/**
 * A kept-alive connection with one request out at a time.
 *
 *   connecting ──► idle ◄──────────────┐
 *       │           │ send             │ a whole answer, and the processor keeps the connection
 *       │           └────► waiting ────┤
 *       ▼ unreachable        ▼ reset   ▼
 *     closed               closed    closed
 *
 * Straight on sockets: undici's dispatch takes 1.7 times the CPU for the same requests (docs/performance.md).
 */
export class Connection implements WireEvents {
  /** When it was last given back, in monotonic milliseconds; kept by the owner. */
  idleSinceMs = 0;
  readonly #wire: Wire;
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
    network: Network,
    host: string,
    port: number,
    onIdle: (connection: Connection) => void,
    bodyBytesMax?: number,
  ) {
    this.#onIdle = onIdle;
    this.#reader = new ResponseReader(undefined, bodyBytesMax);
    this.#wire = network.connect(host, port, this);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends head and body as they are, once connected; only ASCII. Hot: one string, one system call. */
  send(request: string, receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#isConnected) this.#wire.send(request);
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
    receiver?.failed(failure, this.#error ?? error ?? new Error(REASONS[failure]), this.#wasUsed);
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
