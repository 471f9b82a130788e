import { readFileSync } from "node:fs";
import * as nodeTls from "node:tls";
import type { TlsConfig } from "../settings/tls.ts";
import type { Network } from "../system/network.ts";
import { buildConnector, Client, type Dispatcher } from "../system/undici.ts";
import { type Connection, FAILURE_REASONS, type Failure, type Receiver, type WireRequest } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { AnswerError } from "./http-grammar.ts";
import { KeptBody } from "./kept-body.ts";
import { ProofOfEmptiness } from "./proof-of-emptiness.ts";

/** TCP and TLS together. */
const CONNECT_TIMEOUT_MS = 5000;
/** undici closes nothing by itself: idle connections are the owner's. */
const KEEP_ALIVE_MS = 600_000;
/** Of a body, what is kept. A processor's answers are a few hundred bytes. */
const KEPT_BYTES_MAX = 16_384;
/** What undici calls answers that are no legal HTTP/1.1, or too long. */
const WRONG_ANSWERS = new Set(["HTTPParserError", "HeadersOverflowError", "ResponseContentLengthMismatchError"]);

/** As undici wants it, but the socket is returned: undici forgets about one whose handshake is under way. */
type Connector = (...args: Parameters<ReturnType<typeof buildConnector>>) => nodeTls.TLSSocket;

/**
 * Makes the TLS connections to one processor, which share one session: after the first, a handshake takes one round
 * trip and no public-key operations. `tls.ca` is trusted besides the authorities that Node.js trusts.
 */
export function tlsConnector(endpoint: Endpoint, network: Network, tls: TlsConfig = {}): Connector {
  const { ca, cert, key } = tls;
  // Once, not for each connection: it reads some 150 authorities, which takes tens of milliseconds.
  const secureContext = nodeTls.createSecureContext({
    ...(ca !== undefined && { ca: [...usualAuthorities(), ca] }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  });
  let session: Buffer | undefined;
  return (options, callback) => {
    const connect = buildConnector({
      timeout: CONNECT_TIMEOUT_MS,
      secureContext,
      // undici's own cache forgets sessions whenever garbage is collected.
      maxCachedSessions: 0,
      ...(network.lookup && { lookup: network.lookup }),
      ...(session && { session }),
      // undici asks for the name in the Host header, which an address has none of.
      servername: options.servername ?? "",
      host: endpoint.host,
    }) as unknown as Connector;
    const socket = connect(options, callback);
    // Node.js tells of sessions only once it has verified the certificate. One resumed is not verified again.
    socket.on("session", (fresh: Buffer) => {
      session = fresh;
    });
    return socket;
  };
}

/**
 * What Node.js trusts where nothing is said of authorities: it trusts nothing of it where something is. From 22.15 on
 * Node.js tells.
 */
function usualAuthorities(): readonly string[] {
  const { getCACertificates } = nodeTls as { getCACertificates?: (type: "default") => string[] };
  if (getCACertificates) return getCACertificates("default");
  const extraPath = process.env["NODE_EXTRA_CA_CERTS"];
  return [...nodeTls.rootCertificates, ...(extraPath ? [readFileSync(extraPath, "utf8")] : [])];
}

/**
 * A connection by TLS: an undici Client, which has one connection and one request at a time and tries nothing twice.
 * A request has not left before undici begins it, which it does once the handshake is over, and on a kept connection
 * once it has seen that this has not ended.
 */
export class TlsConnection implements Connection, Dispatcher.DispatchHandler {
  idleSinceMs = 0;
  readonly #endpoint: Endpoint;
  readonly #onIdle: (connection: TlsConnection) => void;
  readonly #client: Client;
  readonly #body = new KeptBody(KEPT_BYTES_MAX);
  readonly #proof = new ProofOfEmptiness();
  readonly #bodyBytesMax: number;
  #socket: nodeTls.TLSSocket | undefined;
  #hasEnded = false;
  /** By its owner. */
  #isGivenUp = false;
  #isTimedOut = false;
  #isBegun = false;
  #wasUsed = false;
  #status = 0;
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
      connect: (options, callback) => {
        this.#socket = connect(options, callback);
        this.#proof.watch(this.#socket);
      },
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    });
    // It would connect again for the next request: that is a new connection, and begins as one.
    this.#client.on("disconnect", () => this.#end());
  }

  /** A socket that undici has destroyed closes a little later. */
  get isClosed(): boolean {
    return this.#hasEnded || this.#socket?.destroyed === true;
  }

  send({ method, path, headers, body }: WireRequest, receiver: Receiver): void {
    this.#receiver = receiver;
    this.#isBegun = false;
    this.#status = 0;
    this.#body.clear();
    this.#proof.reset();
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
    this.#isGivenUp = true;
    this.#end();
  }

  onRequestStart(): void {
    this.#isBegun = true;
  }

  onResponseStart(_controller: unknown, status: number): void {
    // Interim answers only say wait.
    if (status >= 200) this.#status = status;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body.add(chunk.toString("latin1"), 0, chunk.length);
    if (this.#body.byteCount > this.#bodyBytesMax)
      controller.abort(new AnswerError(`body must not be longer: maxBytes=${this.#bodyBytesMax}`));
  }

  onResponseEnd(): void {
    // undici takes a broken connection for the end of a body that only the end of the connection ends.
    if (this.#socket?.errored) {
      this.onResponseError(undefined, this.#socket.errored);
      return;
    }
    const receiver = this.#receiver!;
    const wasKept = this.#wasUsed;
    this.#receiver = undefined;
    this.#wasUsed = true;
    const body = Buffer.from(this.#body.text, "latin1").toString("utf8");
    // Not from within undici, which has yet to see whether the connection is kept and whether more follows.
    setImmediate(() => {
      const isProvenEmpty = this.#body.byteCount === 0 && this.#proof.holds();
      receiver.answered(this.#status, body, isProvenEmpty, wasKept);
      if (!this.isClosed) this.#onIdle(this);
    });
  }

  onResponseError(_controller: unknown, error: Error): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    const failure = this.#failure();
    const said = ownWordsFor(error, failure);
    setImmediate(() => receiver?.failed(failure, said, this.#wasUsed));
    this.#end();
  }

  #failure(): Failure {
    if (this.#isBegun) return this.#isTimedOut ? "timed out" : "reset";
    return this.#wasUsed && !this.#isGivenUp ? "stale" : "unreachable";
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const error = new ConnectionEnd();
    // Tells of a request that is out as failed.
    void this.#client.destroy(error);
    this.#socket?.destroy(error);
  }
}

class ConnectionEnd extends Error {}

/** What undici says in words of its own is said in ours; what the system and OpenSSL say is left. */
function ownWordsFor(error: NodeJS.ErrnoException, failure: Failure): Error {
  if (WRONG_ANSWERS.has(error.name)) return new AnswerError(error.message);
  const isUndicis = error.code?.startsWith("UND_ERR_") || error instanceof ConnectionEnd;
  return isUndicis ? new Error(FAILURE_REASONS[failure]) : error;
}
