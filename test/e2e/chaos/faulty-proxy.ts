import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Random } from "../../support/random.ts";

/** What becomes of a request on its way to a processor and back. "charged" where the processor gets it. */
export const FAULTS = [
  "hang-before", // swallowed; no answer ever
  "hang-after", // charged; no answer ever
  "reset-before", // connection reset, the processor saw nothing
  "reset-after", // charged, then the connection is reset
  "garbage", // charged, then something that is no HTTP
  "odd", // charged, then a 200 that no processor would give
  "truncate", // charged, then half an answer
  "overloaded", // 429, the processor saw nothing
  "failing", // 500, the processor saw nothing: a 500 is the contract's word that nothing was charged
] as const;
export type Fault = (typeof FAULTS)[number];

/**
 * Stands in front of a processor and misbehaves towards its callers as it is told. Health calls pass while anything
 * does.
 */
export class FaultyProxy {
  /** Share of the requests that meet a fault. */
  faultShare = 0;
  faults: readonly Fault[] = FAULTS;
  readonly faultCounts = new Map<Fault, number>();
  readonly #random: Random;
  readonly #targetPort: number;
  readonly #agent = new Agent({ keepAlive: true });
  #server: Server | undefined;
  #port = 0;

  constructor(targetPort: number, random: Random) {
    this.#targetPort = targetPort;
    this.#random = random;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, at the same port as the last time. */
  async appear(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ keepAliveTimeout: 0 }, (incoming, outgoing) => this.#onRequest(incoming, outgoing));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", () => resolve());
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Nobody listens any more, and every connection is cut. */
  async vanish(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async close(): Promise<void> {
    await this.vanish();
    this.#agent.destroy();
  }

  #onRequest(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const isPayment = incoming.url !== "/payments/service-health";
    const fault = isPayment && this.#random.chance(this.faultShare) ? this.#random.pick(this.faults) : undefined;
    if (fault) this.faultCounts.set(fault, (this.faultCounts.get(fault) ?? 0) + 1);
    const parts: Buffer[] = [];
    incoming.on("error", () => {});
    outgoing.on("error", () => {});
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => this.#carryOut(fault, incoming, Buffer.concat(parts), outgoing));
  }

  #carryOut(fault: Fault | undefined, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): void {
    if (fault === "hang-before") return;
    if (fault === "reset-before") outgoing.socket?.resetAndDestroy();
    else if (fault === "overloaded") outgoing.writeHead(429, { "retry-after": "1" }).end();
    else if (fault === "failing") outgoing.writeHead(500).end();
    else this.#forward(incoming, body, (status, answer) => misbehave(fault, status, answer, outgoing));
  }

  /** To the processor, which is well; a caller who has gone away meanwhile makes no difference. */
  #forward(incoming: IncomingMessage, body: Buffer, onAnswer: (status: number, answer: Buffer) => void): void {
    const { method, url: path, headers } = incoming;
    const type = headers["content-type"] === undefined ? {} : { "content-type": headers["content-type"] };
    const options = { host: "127.0.0.1", port: this.#targetPort, method, path, headers: type, agent: this.#agent };
    const forwarded = request(options, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => onAnswer(response.statusCode ?? 0, Buffer.concat(parts)));
    });
    forwarded.on("error", () => {});
    forwarded.end(body);
  }
}

function misbehave(fault: Fault | undefined, status: number, answer: Buffer, outgoing: ServerResponse): void {
  const { socket } = outgoing;
  if (fault === "hang-after") return;
  if (fault === "reset-after") socket?.resetAndDestroy();
  else if (fault === "garbage") socket?.end("\u0000\u0001 no answer of any kind\r\n\r\n");
  else if (fault === "odd") outgoing.writeHead(200, { "content-type": "text/html" }).end("<html>welcome</html>");
  else if (fault === "truncate") {
    const half = answer.subarray(0, answer.length >> 1);
    socket?.end(`HTTP/1.1 ${status} OK\r\ncontent-length: ${answer.length}\r\n\r\n${half.toString("latin1")}`);
  } else
    outgoing.writeHead(status, { "content-type": "application/json", "content-length": answer.length }).end(answer);
}
