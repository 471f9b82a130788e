import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { type Answer, jsonAnswer, problemAnswer } from "../http/answer.ts";
import { type Asker, Exchange, type ExchangeWatch } from "../http/exchange.ts";
import type { BulletinBoard } from "../link/bulletin-board.ts";
import {
  isPartition,
  LINK_BULLETINS,
  LINK_HEALTH,
  LINK_HEALTH_BODY,
  LINK_PURGED_BODY,
  LINK_ROOT,
  OTHER_PROTOCOL,
} from "../link/peer-answers.ts";
import { type CarriedPartitions, partsOf } from "../partition/carried-partitions.ts";
import type { PaymentBody } from "../payments/payment-body.ts";
import { problem } from "../text/problem.ts";
import { lookInto } from "./link-lookup.ts";
import { acceptPayment, PURGE_DISABLED, refusePayment, STOPPED_DETAIL, UNSAFE } from "./payment-ack.ts";

export type LinkApiParts = {
  carried: CarriedPartitions;
  /** What the live page shows of this instance, as JSON. */
  ownReading: () => Promise<string>;
  bulletins: BulletinBoard;
  /** Reads a partition along that another instance is about to leave; true once that has caught up. */
  follow: (partition: number) => Promise<boolean>;
  maxBodyBytes: number;
  /** Whether this instance lets itself be emptied; the one that asks has the same setting, or is none of ours. */
  purgeEnabled: boolean;
  /** The last body read, which the services accept. */
  body: PaymentBody;
  spans: ExchangeWatch | undefined;
};

/**
 * What the other instances ask of this one, on a listener of its own that the balancer does not know.
 *
 *   POST /2/payments                a payment that went to another instance; 421 if its partition is not carried here:
 *                                   nobody forwards twice
 *   GET  /2/payments/:id?partition  from 0; as the public one, without asking further; 421 if it is not carried here
 *   GET  /2/summary?from&to         milliseconds, either end optional; the part of each partition carried here
 *   POST /2/partitions/:p/purge     forget all payments of a partition; 421 if it is not carried here
 *   GET  /2/sample                  what the live page shows of this instance; asked only while a page is open
 *   GET  /2/bulletins               what this instance says of itself, line by line, without an end
 *   POST /2/partitions/:p/follow    read along a partition: 200 once that has caught up, 409 if it cannot
 *   GET  /2/health                  alive
 *
 * Whoever reaches the listener is believed to be an instance, but for browsers: these name the page that asks.
 */
export function serveLink(app: TemplatedApp, parts: LinkApiParts): void {
  const { carried, ownReading, bulletins, maxBodyBytes, purgeEnabled, body, spans } = parts;
  const context = { sharedHeaders: [], spans };
  const exchangeOf = (res: HttpResponse): Exchange => new Exchange(res, false, context);

  const post = (route: string, handler: (exchange: Exchange, req: HttpRequest) => void): void => {
    app.post(`${LINK_ROOT}${route}`, (res, req) => {
      if (req.getHeader("origin") === "") handler(exchangeOf(res), req);
      else exchangeOf(res).answer(NO_PAGE);
    });
  };

  post("/payments", (exchange, req) => {
    spans?.began(exchange, req, "POST", "/payments");
    exchange.readBodyUpTo(maxBodyBytes, req, (bytes) => acceptCarried(carried, body, exchange, bytes));
  });
  app.get(`${LINK_ROOT}/payments/:id`, (res, req) =>
    exchangeOf(res).answerLater(
      lookInto(carried, numberOf(req.getQuery("partition") ?? ""), req.getParameter(0) ?? ""),
    ),
  );
  app.get(`${LINK_ROOT}/summary`, (res, req) => exchangeOf(res).answerLater(summaryParts(carried, req)));
  post("/partitions/:p/purge", (exchange, req) => {
    if (purgeEnabled) exchange.answerLater(purge(carried, req.getParameter(0) ?? ""));
    else exchange.answer(NO_PURGE);
  });
  app.get(`${LINK_ROOT}/sample`, (res) => exchangeOf(res).answerLater(ownReading().then((json) => jsonAnswer(json))));
  app.get(LINK_BULLETINS, (res) => bulletins.serve(res));
  post("/partitions/:p/follow", (exchange, req) => exchange.answerLater(follow(parts, req.getParameter(0) ?? "")));
  app.get(LINK_HEALTH, (res) => exchangeOf(res).answer(jsonAnswer(LINK_HEALTH_BODY)));
  app.any(`${LINK_ROOT}/*`, (res) => exchangeOf(res).answer(NO_SUCH_ENDPOINT));
  app.any("/*", (res) => exchangeOf(res).answer(problemAnswer(OTHER_PROTOCOL)));
}

const NO_PAGE = problemAnswer(problem("foreign-page", "only instances may ask here, no page in a browser"));
const NO_PURGE = problemAnswer(PURGE_DISABLED);
const NO_SUCH_ENDPOINT = problemAnswer(problem("no-such-resource", "no such link endpoint"));

/** A payment from another instance. */
export function acceptCarried(carried: CarriedPartitions, body: PaymentBody, exchange: Asker, bytes: Uint8Array): void {
  const fault = body.parse(bytes);
  if (fault) {
    exchange.answer(problemAnswer(fault));
    return;
  }
  if (carried.wasStopped) {
    refusePayment(exchange, "process-stopped", STOPPED_DETAIL, "unknown");
    return;
  }
  const partition = carried.partitionOf(body.id);
  const service = carried.at(partition);
  if (service === undefined) {
    exchange.answer(notCarried(partition));
    return;
  }
  acceptPayment(service, exchange);
}

async function summaryParts(carried: CarriedPartitions, req: HttpRequest): Promise<Answer> {
  const from = req.getQuery("from");
  const to = req.getQuery("to");
  const window = {
    fromMs: from === undefined ? Number.NEGATIVE_INFINITY : Number(from),
    toMs: to === undefined ? Number.POSITIVE_INFINITY : Number(to),
  };
  const parts = await partsOf(carried, window);
  return parts === "unsafe" ? problemAnswer(UNSAFE) : jsonAnswer(JSON.stringify(parts));
}

async function purge(carried: CarriedPartitions, text: string): Promise<Answer> {
  const partition = numberOf(text);
  if (!isPartition(partition)) return NO_SUCH_ENDPOINT;
  const service = carried.at(partition);
  if (service === undefined) return notCarried(partition);
  if (await service.purge()) return jsonAnswer(LINK_PURGED_BODY);
  return problemAnswer(UNSAFE);
}

function numberOf(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

function notCarried(partition: number): Answer {
  return problemAnswer(problem("not-carried", `this partition is not carried here: partition=${partition + 1}`));
}

async function follow(parts: LinkApiParts, text: string): Promise<Answer> {
  const partition = numberOf(text);
  if (!isPartition(partition)) return NO_SUCH_ENDPOINT;
  if (await parts.follow(partition)) return jsonAnswer('{"following":true}');
  const detail = `this partition cannot be read along here: partition=${partition + 1}`;
  return problemAnswer(problem("cannot-read-along", detail));
}

/** The query by which `GET /2/summary` is asked for a window. */
export function linkQuery(window: { fromMs: number; toMs: number }): string {
  const ends = [
    Number.isFinite(window.fromMs) ? `from=${window.fromMs}` : "",
    Number.isFinite(window.toMs) ? `to=${window.toMs}` : "",
  ];
  return ends.filter((end) => end !== "").join("&");
}
