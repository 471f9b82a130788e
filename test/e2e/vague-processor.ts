import type { IncomingMessage, ServerResponse } from "node:http";
import { ScriptedProcessor } from "./scripted-processor.ts";

/**
 * A payment processor that answers and does not say what it did: 409 to every POST, nothing readable to every
 * GET /payments/{id}. Told to be plain, it charges.
 */
export class VagueProcessor extends ScriptedProcessor {
  isPlain = false;
  /** The requestedAt of each charge, by correlationId. */
  readonly charges = new Map<string, string>();
  /** Payments that were posted to it, in order, as often as they were. */
  readonly posted: string[] = [];

  static start(): Promise<VagueProcessor> {
    return new VagueProcessor().listen();
  }

  protected override answer(req: IncomingMessage, body: string, res: ServerResponse): void {
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
