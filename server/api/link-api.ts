import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import { type Answer, jsonAnswer, problemAnswer } from "../http/answer.ts";
import { Exchange } from "../http/exchange.ts";
import { LINK_HEALTH, LINK_HEALTH_BODY } from "../link/peer-answers.ts";
import type { Ownership } from "../payments/ownership.ts";
import type { PaymentService } from "../payments/payment-service.ts";
import { unavailable } from "../text/problem.ts";
import { acceptPayment, UNSAFE } from "./payment-ack.ts";

export type LinkApiOptions = { ownership: Ownership; maxBodyBytes: number };

/**
 * What the other instances ask of this one, on a listener of its own that the balancer does not know.
 *
 *   POST /payments          a payment that is ours but went to another instance; 421 if it is not ours: nobody forwards
 *                           twice
 *   GET  /payments/:id      as the public one, without asking further
 *   GET  /summary?from&to   milliseconds, either end optional; this instance's part
 *   POST /purge             forget everything
 *   GET  /sample            what the live page shows of this instance; asked only while a page is open
 *   GET  /health            alive
 */
export function serveLink(
  app: TemplatedApp,
  service: PaymentService,
  ownReading: () => Promise<string>,
  options: LinkApiOptions,
): void {
  const context = { sharedHeaders: [], spans: service.tracing?.requests };
  const exchangeOf = (res: HttpResponse): Exchange => new Exchange(res, false, context);

  app.post("/payments", (res, req) => {
    const exchange = exchangeOf(res);
    context.spans?.began(exchange, req, "POST", "/payments");
    exchange.readBodyUpTo(options.maxBodyBytes, req, (bytes) => acceptOwn(service, options, exchange, bytes));
  });
  app.get("/payments/:id", (res, req) => look(service, exchangeOf(res), req.getParameter(0) ?? ""));
  app.get("/summary", (res, req) => exchangeOf(res).answerLater(summaryPart(service, req)));
  app.post("/purge", (res) => exchangeOf(res).answerLater(purge(service)));
  app.get("/sample", (res) => exchangeOf(res).answerLater(ownReading().then((json) => jsonAnswer(json))));
  app.get(LINK_HEALTH, (res) => exchangeOf(res).answer(jsonAnswer(LINK_HEALTH_BODY)));
  app.any("/*", (res) => exchangeOf(res).answer(problemAnswer({ status: 404, detail: "no such link endpoint" })));
}

function acceptOwn(service: PaymentService, options: LinkApiOptions, exchange: Exchange, bytes: Uint8Array): void {
  const problem = service.body.parse(bytes);
  if (problem) {
    exchange.answer(problemAnswer(problem));
  } else if (!options.ownership.isOwn(service.body.id)) {
    exchange.answer(problemAnswer({ status: 421, detail: "this payment belongs to another instance" }));
  } else {
    acceptPayment(service, exchange);
  }
}

function look(service: PaymentService, exchange: Exchange, text: string): void {
  const id = new Int32Array(UUID_WORDS);
  const unknown = problemAnswer({ status: 404, detail: "no such payment here" });
  if (!parseUuidText(text, id)) {
    exchange.answer(unknown);
    return;
  }
  service.look(id, (known) => {
    if (known === "unsafe") exchange.answer(problemAnswer(UNSAFE));
    else exchange.answer(known === undefined ? unknown : jsonAnswer(known));
  });
}

async function summaryPart(service: PaymentService, req: HttpRequest): Promise<Answer> {
  const from = req.getQuery("from");
  const to = req.getQuery("to");
  const part = await service.summaryPart({
    fromMs: from === undefined ? Number.NEGATIVE_INFINITY : Number(from),
    toMs: to === undefined ? Number.POSITIVE_INFINITY : Number(to),
  });
  return part ? jsonAnswer(JSON.stringify(part)) : problemAnswer(UNSAFE);
}

async function purge(service: PaymentService): Promise<Answer> {
  const isPurged = await service.purge();
  return isPurged ? jsonAnswer('{"message":"purged"}') : problemAnswer(unavailable("the journal cannot be written"));
}

/** The query by which `GET /summary` is asked for a window. */
export function linkQuery(window: { fromMs: number; toMs: number }): string {
  const ends = [
    Number.isFinite(window.fromMs) ? `from=${window.fromMs}` : "",
    Number.isFinite(window.toMs) ? `to=${window.toMs}` : "",
  ];
  return ends.filter((end) => end !== "").join("&");
}
