import { readFileSync } from "node:fs";
import { rootCertificates, type TLSSocket } from "node:tls";
import type { TlsConfig } from "../settings/tls.ts";
import type { Network } from "../system/network.ts";
import { buildConnector, Client, type Dispatcher } from "../system/undici.ts";
import { type Connection, FAILURE_REASONS, type Failure, type Receiver, type WireRequest } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { KeptBody } from "./kept-body.ts";

/** TCP and TLS together. */
const CONNECT_TIMEOUT_MS = 5000;
/** undici closes nothing by itself: idle connections are the owner's. */
const KEEP_ALIVE_MS = 600_000;
/** Of a body, what is kept. A processor's answers are a few hundred bytes. */
const KEPT_BYTES_MAX = 16_384;

type Connector = ReturnType<typeof buildConnector>;

/**
 * Makes the TLS connections to one processor, which share one session: after the first, a handshake takes one round
 * trip and no public-key operations. `tls.ca` is trusted besides the authorities that Node.js trusts, which are its own
 * and those of NODE_EXTRA_CA_CERTS.
 */
export function tlsConnector(endpoint: Endpoint, network: Network, tls: TlsConfig = {}): Connector {
  const { ca, cert, key } = tls;
  let session: Buffer | undefined;
  return (options, callback) => {
    const connect = buildConnector({
      timeout: CONNECT_TIMEOUT_MS,
      ...(ca !== undefined && { ca: [...usualAuthorities(), ca] }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
      ...(network.lookup && { lookup: network.lookup }),
      ...(session && { session }),
      // undici asks for the name in the Host header, which an address has none of.
      servername: options.servername ?? "",
      host: endpoint.host,
    });
    connect(options, (...result) => {
      const [, socket] = result;
      (socket as TLSSocket | null)?.on("session", (fresh) => {
        session = fresh;
      });
      callback(...result);
    });
  };
}

/** What Node.js trusts where nothing is said of authorities: it trusts nothing of it where something is. */
function usualAuthorities(): string[] {
  const extraPath = process.env["NODE_EXTRA_CA_CERTS"];
  return [...rootCertificates, ...(extraPath ? [readFileSync(extraPath, "utf8")] : [])];
}

/**
 * A connection by TLS: an undici Client, which has one connection and one request at a time and tries nothing twice.
 * A request has not left before undici begins it, which it does once the handshake is over.
 */
export class TlsConnection implements Connection, Dispatcher.DispatchHandler {
  idleSinceMs = 0;
  readonly #endpoint: Endpoint;
  readonly #onIdle: (connection: TlsConnection) => void;
  readonly #client: Client;
  readonly #body = new KeptBody(KEPT_BYTES_MAX);
  readonly #bodyBytesMax: number;
  #isClosed = false;
  #isTimedOut = false;
  #isBegun = false;
  #wasUsed = false;
  #status = 0;
  #isDeclaredEmpty = false;
  #receiver: Receiver | undefined;

  constructor(
    endpoint: Endpoint,
    connect: Connector,
    onIdle: (connection: TlsConnection) => void,
    bodyBytesMax: number = Number.POSITIVE_INFINITY,
  ) {
    this.#endpoint = endpoint;
    this.#onIdle = onIdle;
    this.#bodyBytesMax = bodyBytesMax;
    this.#client = new Client(endpoint.origin, {
      connect,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    });
    // It would connect again for the next request: that is a new connection, and begins as one.
    this.#client.on("disconnect", () => this.close());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send({ method, path, headers, body }: WireRequest, receiver: Receiver): void {
    this.#receiver = receiver;
    this.#isBegun = false;
    this.#status = 0;
    this.#isDeclaredEmpty = false;
    this.#body.clear();
    const own = [...this.#endpoint.headers, ...headers];
    const request =
      method === "GET"
        ? { method, path, headers: own }
        : { method, path, headers: [...own, "Content-Type", "application/json"], body };
    this.#client.dispatch(request, this);
  }

  timeOut(): void {
    this.#isTimedOut = true;
    this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Tells of a request that is out as failed.
    void this.#client.destroy(new Error("closed"));
  }

  onRequestStart(): void {
    this.#isBegun = true;
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    // Interim answers only say wait.
    if (status < 200) return;
    this.#status = status;
    this.#isDeclaredEmpty = headers["content-length"] === "0" && headers["transfer-encoding"] === undefined;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body.add(chunk.toString("latin1"), 0, chunk.length);
    if (this.#body.byteCount > this.#bodyBytesMax) controller.abort(new Error("the body is too long"));
  }

  onResponseEnd(): void {
    const receiver = this.#receiver!;
    const wasKept = this.#wasUsed;
    this.#receiver = undefined;
    this.#wasUsed = true;
    const isProvenEmpty = this.#isDeclaredEmpty && this.#body.byteCount === 0;
    const body = Buffer.from(this.#body.text, "latin1").toString("utf8");
    // Not from within undici, which has yet to see whether the connection is kept.
    setImmediate(() => {
      receiver.answered(this.#status, body, isProvenEmpty, wasKept);
      if (!this.#isClosed) this.#onIdle(this);
    });
  }

  onResponseError(_controller: unknown, error: Error): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#isClosed = true;
    const failure: Failure = !this.#isBegun ? "unreachable" : this.#isTimedOut ? "timed out" : "reset";
    const said = error.message === "closed" ? new Error(FAILURE_REASONS[failure]) : error;
    setImmediate(() => receiver?.failed(failure, said, this.#wasUsed));
    void this.#client.destroy(error);
  }
}
