import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { answerBadly } from "./bad-answer.ts";
import { chargeJson, textsOf } from "./charge-json.ts";
import type { Charges } from "./charges.ts";
import type { ConcurrencyLimiter, Limited } from "./concurrency-limiter.ts";
import { correlationIdText, readCorrelationId } from "./correlation-id.ts";
import type { Front } from "./front.ts";
import type { FrontConnection } from "./front-connection.ts";
import { answerEmpty, answerJson, answerMessage, answerTooMany } from "./kestrel.ts";
import type { Misbehaviours } from "./misbehaviours.ts";

export type LookupRouteParts = {
  readonly charges: Charges;
  readonly limiter: ConcurrencyLimiter;
  readonly misbehaviours: Misbehaviours;
  readonly front: Front | undefined;
  readonly retryAfterSeconds: number;
};

/** GET /payments/{correlationId}: neither delayed nor failed, but in the same limiter as the payments. */
export class LookupRoute {
  readonly #parts: LookupRouteParts;

  constructor(parts: LookupRouteParts) {
    this.#parts = parts;
  }

  get(res: HttpResponse, req: HttpRequest): void {
    const { limiter, front, retryAfterSeconds } = this.#parts;
    const id = readCorrelationId(req.getParameter(0));
    const connection = front?.connectionOf(req);
    let caller: HttpResponse | null = res;
    const lookUp = (): void => {
      if (caller !== null) this.#answer(caller, id, connection);
      limiter.leave();
    };
    const request: Limited = { start: lookUp };
    const verdict = limiter.enter(request);
    if (verdict === "refused") {
      answerTooMany(res, retryAfterSeconds);
      return;
    }
    if (verdict === "started") {
      lookUp();
      return;
    }
    res.onAborted(() => {
      caller = null;
      limiter.giveUp(request);
    });
  }

  #answer(res: HttpResponse, id: Uint32Array | undefined, connection: FrontConnection | undefined): void {
    const { charges, misbehaviours } = this.#parts;
    if (id === undefined) {
      answerMessage(res, 400, "correlationId must be a UUID");
      return;
    }
    const charge = charges.find(id);
    const occasion = { requestNumber: connection?.requestCount, isFound: charge !== undefined };
    const answer = misbehaviours.take("lookup", occasion)?.answer;
    if (answer !== undefined) {
      const texts = charge === undefined ? { correlationId: correlationIdText(id) } : textsOf(charge);
      answerBadly(res, answer, texts, connection);
    } else if (charge === undefined) answerEmpty(res, 404);
    else answerJson(res, 200, chargeJson(charge));
  }
}
