import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A payment processor whose answers a test makes up; it charges nobody. */
export abstract class ScriptedProcessor {
  readonly #server: Server = createServer(async (req, res) => {
    let body = "";
    for await (const chunk of req) body += String(chunk);
    this.answer(req, body, res);
  });

  /** Resolves to the processor, on a free port of 127.0.0.1. */
  async listen(): Promise<this> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  protected abstract answer(req: IncomingMessage, body: string, res: ServerResponse): void;
}
