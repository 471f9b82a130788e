import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Received = {
  method: string;
  path: string;
  body: string;
  authorization?: string;
  traceparent?: string;
  tracestate?: string;
};

/** A payment processor that keeps the requests it gets, with what their headers carry, and answers as it is told. */
export class RecordingProcessor {
  readonly received: Received[] = [];
  /** Statuses of the next POSTs, 0 for hanging up without an answer; 200 when there are none left. */
  readonly nextStatuses: number[] = [];
  readonly #server: Server;
  readonly #charges = new Map<string, string>();

  private constructor() {
    this.#server = createServer((req, res) => void this.#answer(req, res));
  }

  static async start(): Promise<RecordingProcessor> {
    const processor = new RecordingProcessor();
    processor.#server.listen(0, "127.0.0.1");
    await once(processor.#server, "listening");
    return processor;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The requests about one payment, in their order. */
  about(correlationId: string): Received[] {
    return this.received.filter(({ path, body }) => path.includes(correlationId) || body.includes(correlationId));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of req) body += String(chunk);
    const { method = "", url: path = "", headers } = req;
    const { authorization, traceparent, tracestate } = headers as Record<string, string | undefined>;
    this.received.push({
      method,
      path,
      body,
      ...(authorization !== undefined && { authorization }),
      ...(traceparent !== undefined && { traceparent }),
      ...(tracestate !== undefined && { tracestate }),
    });
    if (path === "/payments/service-health") res.end('{"failing":false,"minResponseTime":3}');
    else if (method === "GET") this.#lookup(path.slice("/payments/".length), res);
    else this.#charge(body, res);
  }

  #lookup(correlationId: string, res: ServerResponse): void {
    const charge = this.#charges.get(correlationId);
    res.writeHead(charge === undefined ? 404 : 200).end(charge);
  }

  #charge(body: string, res: ServerResponse): void {
    const { correlationId } = JSON.parse(body) as { correlationId: string };
    const status = this.nextStatuses.shift() ?? (this.#charges.has(correlationId) ? 422 : 200);
    if (status === 0) return void res.destroy();
    if (status === 200) this.#charges.set(correlationId, body);
    res.writeHead(status).end(status === 200 ? '{"message":"payment processed successfully"}' : "");
  }
}
