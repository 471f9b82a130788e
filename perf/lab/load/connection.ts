import { connect, type Socket } from "node:net";
import { ResponseReader } from "../../../server/processor/response-reader.ts";

/** What came of a request. */
export type Outcome = {
  /** 0: no answer. */
  readonly status: number;
  /** From the first byte handed to the socket to the last byte of the answer: connecting is not part of it. */
  readonly durationMs: number;
  /** Why there is no answer: timeout, or the system's error code. */
  readonly error: string | null;
};

/** Of one answer's body. More is not what this client asks for. */
const ANSWER_BYTES_MAX = 1024 * 1024;
/**
 * Unless told otherwise, a connection idle for longer is not used again: the server may be closing it at this very
 * moment.
 */
const DEFAULT_IDLE_MS_MAX = 4000;

/**
 * Of all connections: what is in it is read before the next one fills it, so nothing is allocated for an answer's
 * bytes.
 */
const READ_BUFFER = Buffer.allocUnsafe(64 * 1024);

export type OnOutcome = (outcome: Outcome, reader: ResponseReader) => void;

/**
 * One kept-alive connection with one request out at a time, as one virtual user of k6 has it. Connects when first
 * needed.
 */
export class Connection {
  readonly #host: string;
  readonly #port: number;
  readonly #idleMsMax: number;
  readonly #reader = new ResponseReader(ANSWER_BYTES_MAX, ANSWER_BYTES_MAX);
  #socket: Socket | null = null;
  #isConnected = false;
  #onOutcome: OnOutcome | null = null;
  #unsent: string | null = null;
  #sentAtMs = 0;
  #usedAtMs = 0;

  constructor(url: URL, idleMsMax = DEFAULT_IDLE_MS_MAX) {
    this.#idleMsMax = idleMsMax;
    // A URL has IPv6 addresses in brackets, a socket wants them without.
    this.#host = url.hostname.replace(/^\[|\]$/g, "");
    this.#port = Number(url.port || 80);
  }

  /** Connects ahead of need. */
  open(): void {
    this.#usedAtMs = performance.now();
    this.#socket ??= this.#connect();
  }

  /** `request` is the head and the body, in latin1; `onOutcome` is called exactly once, later. */
  send(request: string, onOutcome: OnOutcome): void {
    if (this.#onOutcome !== null) throw new Error("one request at a time is out on a connection");
    this.#onOutcome = onOutcome;
    this.#reader.reset();
    if (performance.now() - this.#usedAtMs > this.#idleMsMax) this.#forget();
    if (this.#isConnected && this.#socket !== null) {
      this.#write(this.#socket, request);
    } else {
      this.#unsent = request;
      this.#socket ??= this.#connect();
    }
  }

  /** Ends the request that is out, if any, as timed out, and the connection with it. */
  timeOut(): void {
    this.#drop("timeout");
  }

  close(): void {
    this.#onOutcome = null;
    this.#drop("closed");
  }

  #write(socket: Socket, request: string): void {
    this.#sentAtMs = performance.now();
    socket.write(request, "latin1");
  }

  #connect(): Socket {
    const onread = {
      buffer: READ_BUFFER,
      callback: (byteCount: number): boolean => {
        if (socket === this.#socket) this.#onData(READ_BUFFER.toString("latin1", 0, byteCount));
        return true;
      },
    };
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true, onread });
    socket.once("connect", () => {
      if (socket !== this.#socket) return;
      this.#isConnected = true;
      if (this.#unsent !== null) this.#write(socket, this.#unsent);
      this.#unsent = null;
    });
    let reason = "closed";
    socket.on("error", (error: NodeJS.ErrnoException) => {
      reason = error.code ?? error.message;
    });
    socket.once("end", () => {
      if (socket !== this.#socket) return;
      if (this.#onOutcome === null) this.#forget();
      else if (this.#reader.end()) this.#complete();
    });
    socket.once("close", () => {
      if (socket === this.#socket) this.#drop(reason);
    });
    return socket;
  }

  #onData(text: string): void {
    if (this.#onOutcome === null) {
      // Nobody asked for this.
      this.#drop("closed");
      return;
    }
    try {
      if (this.#reader.push(text)) this.#complete();
    } catch {
      this.#drop("no HTTP");
    }
  }

  #complete(): void {
    this.#usedAtMs = performance.now();
    const durationMs = this.#usedAtMs - this.#sentAtMs;
    const onOutcome = this.#onOutcome;
    this.#onOutcome = null;
    if (!this.#reader.keepsAlive) this.#forget();
    onOutcome?.({ status: this.#reader.status, durationMs, error: null }, this.#reader);
  }

  #drop(error: string): void {
    const durationMs = performance.now() - this.#sentAtMs;
    const onOutcome = this.#onOutcome;
    this.#onOutcome = null;
    this.#unsent = null;
    this.#forget();
    onOutcome?.({ status: 0, durationMs, error }, this.#reader);
  }

  #forget(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#isConnected = false;
    socket?.destroy();
  }
}
