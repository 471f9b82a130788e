import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { instanceOfPaymentId } from "../../core/values/payment-id.ts";
import { parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import { type Answer, jsonAnswer, notAllowedAnswer, problemAnswer, tooLargeAnswer } from "../http/answer.ts";
import { Exchange, type ExchangeContext, type Header } from "../http/exchange.ts";
import type { Peers } from "../link/peers.ts";
import type { Meters, Refusal, Route } from "../meters/meters.ts";
import type { Ownership } from "../payments/ownership.ts";
import type { PaymentService } from "../payments/payment-service.ts";
import { combineParts, isProblem, parseWindow, type Window } from "../payments/summary.ts";
import { type Problem, paymentUnavailable, unavailable } from "../text/problem.ts";
import { linkQuery } from "./link-api.ts";
import { acceptPayment, UNSAFE } from "./payment-ack.ts";
import type { ReadinessReport } from "./readiness.ts";

export type PublicApiOptions = {
  ownership: Ownership;
  maxBodyBytes: number;
  purgeEnabled: boolean;
  /** Empty: no CORS headers. */
  corsOrigin: string;
};

const CORS_MAX_AGE_S = 86_400;

type Handler = (exchange: Exchange, req: HttpRequest) => void;

/** The API that clients see: see README, "API". */
export class PublicApi {
  readonly #service: PaymentService;
  readonly #peers: Peers;
  readonly #options: PublicApiOptions;
  readonly #context: ExchangeContext;
  readonly #meters: Meters;
  readonly #readiness: () => Promise<ReadinessReport>;

  constructor(
    service: PaymentService,
    peers: Peers,
    readiness: () => Promise<ReadinessReport>,
    meters: Meters,
    options: PublicApiOptions,
  ) {
    this.#service = service;
    this.#peers = peers;
    this.#readiness = readiness;
    this.#meters = meters;
    this.#options = options;
    this.#context = {
      sharedHeaders: options.corsOrigin === "" ? [] : [["Access-Control-Allow-Origin", options.corsOrigin]],
      spans: service.tracing?.requests,
    };
  }

  register(app: TemplatedApp): void {
    this.#post(app, "/payments", (exchange, req) => this.#postPayment(exchange, req));
    this.#get(app, "/payments-summary", (exchange, req) => this.#getSummary(exchange, req));
    this.#get(app, "/payments/:id", (exchange, req) => this.#getPayment(exchange, req));
    this.#post(app, "/purge-payments", (exchange, req) => this.#purge(exchange, req));
    this.#get(app, "/health", (exchange) => exchange.answer(jsonAnswer('{"status":"ok"}')));
    this.#get(app, "/ready", (exchange) => this.#getReady(exchange));
    app.any("/*", (res, req) => {
      const detail = `there is nothing here: path=${req.getUrl().slice(0, 128)}`;
      this.#exchange(res, req, "other").answer(problemAnswer({ status: 404, detail }));
    });
  }

  /** Hot: one parse, one call into the engine; the answer follows when the turn's records are written. */
  #postPayment(exchange: Exchange, req: HttpRequest): void {
    this.#context.spans?.began(exchange, req, "POST", "/payments");
    exchange.readBody(
      req.getHeader("content-length"),
      this.#options.maxBodyBytes,
      (bytes) => this.#acceptBody(exchange, bytes),
      () => {
        this.#service.refused("too_large");
        exchange.answer(tooLargeAnswer(this.#options.maxBodyBytes));
      },
    );
  }

  #acceptBody(exchange: Exchange, bytes: Uint8Array): void {
    const problem = this.#service.body.parse(bytes);
    if (problem) {
      this.#service.refused(refusalOf(problem));
      exchange.answer(problemAnswer(problem));
      return;
    }
    const { ownership } = this.#options;
    const { id } = this.#service.body;
    if (ownership.isOwn(id)) {
      acceptPayment(this.#service, exchange);
      return;
    }
    // The bytes are gone when this returns.
    const headers = this.#service.tracing?.headersOf(exchange);
    exchange.answerLater(this.#forward(ownership.ownerOf(id), bytes.slice(), headers));
  }

  async #forward(owner: number, body: Uint8Array, headers?: readonly string[]): Promise<Answer> {
    const answer = await this.#peers.forward(owner, body, { headers });
    if (typeof answer !== "string") return answer;
    this.#service.refused("owner_unreachable");
    const reason = answer === "unsent" ? "cannot be reached" : "gave no usable answer";
    const accepted = answer === "unsent" ? "no" : "unknown";
    return problemAnswer(paymentUnavailable(`the owner of this payment ${reason}: instance=${owner + 1}`, accepted));
  }

  #getSummary(exchange: Exchange, req: HttpRequest): void {
    this.#context.spans?.began(exchange, req, req.getCaseSensitiveMethod(), "/payments-summary");
    const window = parseWindow(req.getQuery() ?? "");
    if (isProblem(window)) exchange.answer(problemAnswer(window));
    else exchange.answerLater(this.#summary(window));
  }

  async #summary(window: Window): Promise<Answer> {
    const ofPeers = this.#peers.summaryParts(linkQuery(window));
    const own = await this.#service.summaryPart(window);
    const parts = [...(await ofPeers).values()];
    if (own === undefined) return problemAnswer(UNSAFE);
    if (parts.includes(undefined)) return problemAnswer(unavailable("an instance's part of the summary cannot be had"));
    const { body, settledUntil } = combineParts([own, ...parts.flatMap((ofPeer) => ofPeer ?? [])]);
    return jsonAnswer(body, [["Settled-Until", settledUntil]]);
  }

  #getPayment(exchange: Exchange, req: HttpRequest): void {
    this.#context.spans?.began(exchange, req, req.getCaseSensitiveMethod(), "/payments/:id");
    const text = req.getParameter(0) ?? "";
    const id = new Int32Array(UUID_WORDS);
    if (!parseUuidText(text, id)) {
      exchange.answer(problemAnswer(unknownPayment(text)));
      return;
    }
    this.#service.look(id, (known) => {
      if (known === "unsafe") exchange.answer(problemAnswer(UNSAFE));
      else if (known !== undefined) exchange.answer(jsonAnswer(known));
      else if (this.#peers.count === 0) exchange.answer(problemAnswer(unknownPayment(text)));
      else exchange.answerLater(this.#askPeers(text, id));
    });
  }

  /** The id is a correlationId, whose owner is known, or a payment id, which carries its instance. */
  async #askPeers(text: string, id: Int32Array): Promise<Answer> {
    const owner = this.#options.ownership.ownerOf(id);
    const found = await this.#peers.find(text, [owner, instanceOfPaymentId(id)]);
    if (found === "unknown") return problemAnswer(unknownPayment(text));
    if (found === "unreachable")
      return problemAnswer(unavailable("the instance that may know this payment cannot be reached"));
    return jsonAnswer(found.json);
  }

  #purge(exchange: Exchange, req: HttpRequest): void {
    this.#context.spans?.began(exchange, req, "POST", "/purge-payments");
    if (this.#options.purgeEnabled) exchange.answerLater(this.#purgeAll());
    else exchange.answer(problemAnswer({ status: 403, detail: "purging is not allowed: PURGE_ENABLED=false" }));
  }

  async #purgeAll(): Promise<Answer> {
    const isOwnPurged = await this.#service.purge();
    const arePeersPurged = ![...(await this.#peers.purge()).values()].includes(undefined);
    if (isOwnPurged && arePeersPurged) return jsonAnswer('{"message":"All payments purged."}');
    return problemAnswer(unavailable("an instance could not be purged, others may have been: repeat it"));
  }

  #getReady(exchange: Exchange): void {
    const answer = this.#readiness().then((report) => ({
      ...jsonAnswer(JSON.stringify(report)),
      status: report.ready ? 200 : 503,
    }));
    exchange.answerLater(answer);
  }

  #get(app: TemplatedApp, route: Route, handler: Handler): void {
    const handle = (res: HttpResponse, req: HttpRequest): void => handler(this.#exchange(res, req, route), req);
    app.get(route, handle);
    app.head(route, handle);
    this.#others(app, route, "GET, HEAD, OPTIONS");
  }

  #post(app: TemplatedApp, route: Route, handler: Handler): void {
    const meters = this.#meters.http[route];
    app.post(route, (res, req) => handler(new Exchange(res, false, this.#context, meters), req));
    this.#others(app, route, "POST, OPTIONS");
  }

  /** OPTIONS, and 405 for every method that has no handler of its own. */
  #others(app: TemplatedApp, route: Route, allow: string): void {
    app.options(route, (res, req) =>
      this.#exchange(res, req, route).answer({ status: 204, headers: [["Allow", allow], ...this.#preflight(allow)] }),
    );
    app.any(route, (res, req) => {
      this.#exchange(res, req, route).answer(notAllowedAnswer(req.getCaseSensitiveMethod(), allow));
    });
  }

  #exchange(res: HttpResponse, req: HttpRequest, route: Route): Exchange {
    const isHead = req.getCaseSensitiveMethod() === "HEAD";
    return new Exchange(res, isHead, this.#context, this.#meters.http[route]);
  }

  #preflight(allow: string): Header[] {
    if (this.#options.corsOrigin === "") return [];
    return [
      ["Access-Control-Allow-Methods", allow],
      ["Access-Control-Allow-Headers", "Content-Type"],
      ["Access-Control-Max-Age", String(CORS_MAX_AGE_S)],
    ];
  }
}

/** By the field that is wrong. */
function refusalOf({ field }: Problem): Refusal {
  if (field === "correlationId") return "invalid_correlation_id";
  return field === "amount" ? "invalid_amount" : "invalid_body";
}

function unknownPayment(text: string): Problem {
  return { status: 404, detail: `no such payment: id=${text.slice(0, 64)}` };
}
