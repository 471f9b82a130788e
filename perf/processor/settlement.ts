import type { HttpResponse } from "uWebSockets.js";
import { answerBadly } from "./bad-answer.ts";
import { textsOf } from "./charge-json.ts";
import type { Charges } from "./charges.ts";
import { correlationIdText } from "./correlation-id.ts";
import { duplicateText, poolExhaustedText } from "./exception-text.ts";
import type { FrontConnection } from "./front-connection.ts";
import type { InsertPool } from "./insert-pool.ts";
import { answerEmpty, answerJson, answerMessage } from "./kestrel.ts";
import type { BadAnswer, Misbehaviour } from "./misbehaviour.ts";
import type { Misbehaviours } from "./misbehaviours.ts";
import type { BoundPayment } from "./payment-body.ts";
import type { Settings } from "./settings.ts";

const PROCESSED_JSON = '{"message":"payment processed successfully"}';

/** A payment whose delay is over. */
export interface DuePayment {
  /** Null once the caller has hung up: uWebSockets.js forbids any use of it then. */
  readonly res: HttpResponse | null;
  readonly payment: BoundPayment;
  readonly connection: FrontConnection | undefined;
}

export type SettlementParts = {
  readonly charges: Charges;
  readonly settings: Settings;
  readonly misbehaviours: Misbehaviours;
  readonly pool: InsertPool;
};

type Verdict = ReturnType<Charges["charge"]>;

/**
 * The last steps of a payment: it fails, or it is charged and answered. Whether the caller is still there changes
 * nothing.
 */
export class Settlement {
  readonly #parts: SettlementParts;

  constructor(parts: SettlementParts) {
    this.#parts = parts;
  }

  /** Calls `done` when nothing more will happen. Failure is looked at before the duplicate. */
  settle(due: DuePayment, done: () => void): void {
    const { settings, misbehaviours } = this.#parts;
    if (settings.failing) {
      if (due.res !== null) answerEmpty(due.res, 500);
      done();
      return;
    }
    const misbehaviour = misbehaviours.take("payment", { requestNumber: due.connection?.requestCount });
    if (misbehaviour !== undefined) {
      this.#misbehave(due, misbehaviour, done);
      return;
    }
    answerItself(due, this.#charge(due.payment));
    done();
  }

  #misbehave(due: DuePayment, { charge, insertMs, answer }: Misbehaviour, done: () => void): void {
    if (charge !== "yes") answerAs(due, answer, "charged");
    if (charge === "no") {
      done();
      return;
    }
    const { pool } = this.#parts;
    pool.insert(insertMs, (outcome) => {
      const verdict = outcome === "inserted" ? this.#charge(due.payment) : undefined;
      if (charge === "yes" && verdict !== undefined) answerAs(due, answer, verdict);
      if (charge === "yes" && verdict === undefined && due.res !== null) answerExhausted(due.res, pool);
      done();
    });
  }

  #charge({ id, amountCents, requestedAtUs }: BoundPayment): Verdict {
    return this.#parts.charges.charge(id, amountCents, requestedAtUs);
  }
}

function answerAs(due: DuePayment, answer: BadAnswer | undefined, verdict: Verdict): void {
  const { res, payment, connection } = due;
  if (answer === undefined) answerItself(due, verdict);
  else if (res !== null) {
    const texts = textsOf({ ...payment, correlationId: correlationIdText(payment.id) });
    answerBadly(res, answer, texts, connection);
  }
}

function answerItself({ res, payment }: DuePayment, verdict: Verdict): void {
  if (res === null) return;
  if (verdict === "charged") answerJson(res, 200, PROCESSED_JSON);
  else answerMessage(res, 422, duplicateText(correlationIdText(payment.id)));
}

function answerExhausted(res: HttpResponse, { limits }: InsertPool): void {
  answerMessage(res, 500, poolExhaustedText(limits.connectionCountMax, limits.waitMsMax));
}
