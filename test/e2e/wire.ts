import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** For answers that a wire is to lose later: shorter than silence is noticed, and than a request may take. */
export const LOST_AFTER_MS = 150;

/**
 *   open          everything passes
 *   refusing      nobody listens: connection refused, and the connections there were are broken
 *   hung          requests are taken and never passed on
 *   losing answers  requests arrive, and the connection breaks when the answer is on its way
 */
export type WireState = "open" | "refusing" | "hung" | "losing answers";

/** The network between the instances and a processor, which the tests can break. */
export class Wire {
  readonly port: number;
  readonly #processorPort: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #state: WireState = "open";

  private constructor(server: Server, processorPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.#processorPort = processorPort;
    server.on("connection", (socket) => this.#onConnection(socket));
  }

  static async to(processorPort: number): Promise<Wire> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Wire(server, processorPort);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What was swallowed by a hung wire stays lost: its connections break. */
  async set(state: WireState): Promise<void> {
    const was = this.#state;
    this.#state = state;
    if (was === "hung" || state === "refusing") this.#breakAll();
    if (state === "refusing" && this.#server) {
      const server = this.#server;
      this.#server = undefined;
      server.close();
      await once(server, "close");
    }
    if (state !== "refusing" && !this.#server) {
      this.#server = createServer((socket) => this.#onConnection(socket)).listen(this.port, "127.0.0.1");
      await once(this.#server, "listening");
    }
  }

  async close(): Promise<void> {
    await this.set("refusing");
  }

  #onConnection(near: Socket): void {
    const far = connect(this.#processorPort, "127.0.0.1");
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      // What breaks on one side breaks on the other: a reset is passed on as one.
      socket.on("error", () => {
        for (const other of [near, far]) other.resetAndDestroy();
      });
      socket.on("close", () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (bytes) => {
      if (this.#state !== "hung") far.write(bytes);
    });
    far.on("data", (bytes) => {
      if (this.#state === "losing answers") near.destroy();
      else if (this.#state !== "hung") near.write(bytes);
    });
  }

  #breakAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
