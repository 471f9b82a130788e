import type { HttpRequest } from "uWebSockets.js";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { FrontConnection } from "./front-connection.ts";

/** By this header a request that the front passes on tells which connection it came on. */
export const CONNECTION_HEADER = "x-front-connection";

/**
 * Takes the connections in place of uWebSockets.js and passes everything on to it, both ways, until a misbehaviour
 * wants to answer with bytes of its own.
 *
 *   caller ◄──► front ◄──► uWebSockets.js, at a port that nobody else knows
 */
export class Front {
  readonly #server = createServer({ noDelay: true });
  readonly #connections = new Map<string, FrontConnection>();
  #connectionCount = 0;

  /** Resolves to the port it has got. Rejects with the system's error. */
  async listen(host: string, port: number, upstreamPort: number): Promise<number> {
    this.#server.on("connection", (socket: Socket) => this.#accept(socket, upstreamPort));
    this.#server.listen({ host, port, exclusive: true });
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  connectionOf(req: HttpRequest): FrontConnection | undefined {
    return this.#connections.get(req.getHeader(CONNECTION_HEADER));
  }

  /** Drops every connection. */
  close(): void {
    this.#server.close();
    for (const connection of this.#connections.values()) connection.close();
  }

  #accept(socket: Socket, upstreamPort: number): void {
    const name = String(++this.#connectionCount);
    socket.once("close", () => this.#connections.delete(name));
    this.#connections.set(name, new FrontConnection(socket, upstreamPort, `${CONNECTION_HEADER}: ${name}\r\n`));
  }
}
