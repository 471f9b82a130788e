import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Answer } from "./answer-draft.ts";

/** Ends connections on which a client waits for more than there is. */
const STUCK_MS = 500;

export type Script = Answer & { pieces: readonly string[] };

/** Gives the answers that it is told, byte by byte: a request for /<n> gets the n-th. */
export class AnswerServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scripts: Script[] = [];

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(): Promise<AnswerServer> {
    const server = new AnswerServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Returns the path at which the answer is given. */
  add(script: Script): string {
    return `/${this.#scripts.push(script) - 1}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const timer = setTimeout(() => socket.end(), STUCK_MS);
    socket.on("error", () => {});
    socket.once("close", () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
    socket.once("data", (request) => {
      const index = /^GET \/(\d+) /.exec(request.toString("latin1"))![1];
      void this.#answer(socket, this.#scripts[Number(index)]!);
    });
  }

  async #answer(socket: Socket, { pieces, endsConnection }: Script): Promise<void> {
    for (const piece of pieces) {
      socket.write(piece, "latin1");
      await new Promise(setImmediate);
    }
    if (endsConnection) socket.end();
  }
}
