import type { IncomingMessage, ServerResponse } from "node:http";
import { ScriptedProcessor } from "./scripted-processor.ts";

export type Received = {
  method: string;
  path: string;
  body: string;
  authorization?: string;
  traceparent?: string;
  tracestate?: string;
};

/** A payment processor that keeps the requests it gets, with what their headers carry, and answers as it is told. */
export class RecordingProcessor extends ScriptedProcessor {
  readonly received: Received[] = [];
  /** Statuses of the next POSTs, 0 for hanging up without an answer; 200 when there are none left. */
  readonly nextStatuses: number[] = [];
  readonly #charges = new Map<string, string>();

  static start(): Promise<RecordingProcessor> {
    return new RecordingProcessor().listen();
  }

  /** The requests about one payment, in their order. */
  about(correlationId: string): Received[] {
    return this.received.filter(({ path, body }) => path.includes(correlationId) || body.includes(correlationId));
  }

  protected override answer(req: IncomingMessage, body: string, res: ServerResponse): void {
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
