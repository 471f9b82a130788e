import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * A payment processor that answers and does not say what it did: 409 to every POST, nothing readable to every
 * GET /payments/{id}. Told to be plain, it charges.
 */
export class VagueProcessor {
  isPlain = false;
  /** The requestedAt of each charge, by correlationId. */
  readonly charges = new Map<string, string>();
  /** Payments that were posted to it, in order, as often as they were. */
  readonly posted: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((req, res) => void this.#answer(req, res));
  }

  static async start(): Promise<VagueProcessor> {
    const processor = new VagueProcessor();
    processor.#server.listen(0, "127.0.0.1");
    await once(processor.#server, "listening");
    return processor;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of req) body += String(chunk);
    if (req.url === "/payments/service-health") res.end('{"failing":false,"minResponseTime":0}');
    else if (req.method === "GET") res.end("see the other window");
    else this.#charge(body, res);
  }

  #charge(body: string, res: ServerResponse): void {
    const { correlationId, requestedAt } = JSON.parse(body) as { correlationId: string; requestedAt: string };
    this.posted.push(correlationId);
    if (!this.isPlain) {
      res.writeHead(409).end();
      return;
    }
    this.charges.set(correlationId, requestedAt);
    res.end('{"message":"payment processed successfully"}');
  }
}
