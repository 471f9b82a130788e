import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import {
  type Answer,
  jsonAnswer,
  notAllowedAnswer,
  problemAnswer,
  RETRY_SOON,
  tooLargeAnswer,
} from "../http/answer.ts";
import { Exchange, type ExchangeContext, type Header } from "../http/exchange.ts";
import { FOREIGN_PAGE, isFromOwnPage } from "../http/origin.ts";
import type { Log } from "../log/log.ts";
import type { Meters, Refusal, Route } from "../meters/meters.ts";
import type { Custody } from "../partition/custody.ts";
import type { PartitionMap } from "../partition/partition-map.ts";
import type { PaymentBody } from "../payments/payment-body.ts";
import { isProblem, parseWindow } from "../payments/summary.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { type Problem, problem } from "../text/problem.ts";
import type { Admission } from "../turn/admission.ts";
import { acceptRead } from "./accept-read.ts";
import { openapiAnswer } from "./openapi-document.ts";
import { PURGE_DISABLED } from "./payment-ack.ts";
import type { ReadinessReport } from "./readiness.ts";
import { noteRefusal } from "./refusal-note.ts";
import type { WholeService } from "./whole-service.ts";

/** What the public API is a front of. */
export type PublicApiParts = {
  whole: WholeService;
  custody: Custody;
  partitions: PartitionMap;
  body: PaymentBody;
  meters: Meters;
  log: Log;
  admission: Admission;
  tracing: Tracing | undefined;
  readiness: () => ReadinessReport;
};

export type PublicApiOptions = {
  maxBodyBytes: number;
  purgeEnabled: boolean;
  /** Empty: no CORS headers. */
  corsOrigin: string;
};

const CORS_MAX_AGE_S = 86_400;

type Handler = (exchange: Exchange, req: HttpRequest) => void;

/** The API that clients see: see docs/api.md. */
export class PublicApi {
  readonly #parts: PublicApiParts;
  readonly #options: PublicApiOptions;
  readonly #context: ExchangeContext;
  readonly #meters: Meters;

  constructor(parts: PublicApiParts, options: PublicApiOptions) {
    this.#parts = parts;
    this.#meters = parts.meters;
    this.#options = options;
    this.#context = {
      sharedHeaders: options.corsOrigin === "" ? [] : [["Access-Control-Allow-Origin", options.corsOrigin]],
      spans: parts.tracing?.requests,
    };
  }

  register(app: TemplatedApp): void {
    this.#post(app, "/payments", (exchange, req) => this.#postPayment(exchange, req));
    this.#get(app, "/payments-summary", (exchange, req) => this.#getSummary(exchange, req));
    this.#get(app, "/payments/:id", (exchange, req) => this.#getPayment(exchange, req));
    this.#post(app, "/purge-payments", (exchange, req) => this.#purge(exchange, req));
    this.#get(app, "/openapi.json", (exchange) => exchange.answer(openapiAnswer()), "other");
    this.#get(app, "/health", (exchange) => exchange.answer(jsonAnswer('{"status":"ok"}')));
    this.#get(app, "/ready", (exchange) => this.#getReady(exchange));
    app.any("/*", (res, req) => {
      const detail = `there is nothing here: path=${req.getUrl().slice(0, 128)}`;
      this.#exchange(res, req, "other").answer(problemAnswer(problem("no-such-resource", detail)));
    });
  }

  /** Hot: one parse, one call into the engine; the answer follows when the turn's records are written. */
  #postPayment(exchange: Exchange, req: HttpRequest): void {
    this.#context.spans?.began(exchange, req, "POST", "/payments");
    if (!isFromOwnPage(req, this.#options.corsOrigin)) {
      noteRefusal(this.#parts, "foreign_page");
      exchange.answer(problemAnswer(FOREIGN_PAGE));
      return;
    }
    exchange.readBody(
      req.getHeader("content-length"),
      this.#options.maxBodyBytes,
      (bytes) => this.#acceptBody(exchange, bytes),
      () => {
        noteRefusal(this.#parts, "too_large");
        exchange.answer(tooLargeAnswer(this.#options.maxBodyBytes));
      },
    );
  }

  #acceptBody(exchange: Exchange, bytes: Uint8Array): void {
    const fault = this.#parts.body.parse(bytes);
    if (fault) {
      noteRefusal(this.#parts, refusalOf(fault));
      exchange.answer(problemAnswer(fault));
      return;
    }
    void acceptRead(this.#parts, exchange, bytes);
  }

  #getSummary(exchange: Exchange, req: HttpRequest): void {
    this.#context.spans?.began(exchange, req, req.getCaseSensitiveMethod(), "/payments-summary");
    const window = parseWindow(req.getQuery() ?? "");
    if (isProblem(window)) exchange.answer(problemAnswer(window));
    else exchange.answerLater(this.#parts.whole.summary(window));
  }

  #getPayment(exchange: Exchange, req: HttpRequest): void {
    this.#context.spans?.began(exchange, req, req.getCaseSensitiveMethod(), "/payments/:id");
    const text = req.getParameter(0) ?? "";
    const id = new Int32Array(UUID_WORDS);
    if (!parseUuidText(text, id)) {
      exchange.answer(problemAnswer(unknownPayment(text)));
      return;
    }
    const answer = this.#parts.whole.find(id, text);
    exchange.answerLater(answer.then((found) => (found === "unknown" ? problemAnswer(unknownPayment(text)) : found)));
  }

  #purge(exchange: Exchange, req: HttpRequest): void {
    this.#context.spans?.began(exchange, req, "POST", "/purge-payments");
    if (!this.#options.purgeEnabled) exchange.answer(problemAnswer(PURGE_DISABLED));
    else if (!isFromOwnPage(req, this.#options.corsOrigin)) exchange.answer(problemAnswer(FOREIGN_PAGE));
    else exchange.answerLater(this.#purgeAll());
  }

  async #purgeAll(): Promise<Answer> {
    const isPurged = await this.#parts.whole.purge();
    if (isPurged) return jsonAnswer('{"message":"All payments purged."}');
    return problemAnswer(
      problem("purge-incomplete", "a partition could not be purged, others may have been: repeat it"),
    );
  }

  #getReady(exchange: Exchange): void {
    const report = this.#parts.readiness();
    const body = JSON.stringify(report);
    exchange.answer(report.ready ? jsonAnswer(body) : { status: 503, body, headers: [RETRY_SOON] });
  }

  #get(app: TemplatedApp, path: Route, handler: Handler): void;
  #get(app: TemplatedApp, path: string, handler: Handler, countedAs: Route): void;
  #get(app: TemplatedApp, path: string, handler: Handler, countedAs = path as Route): void {
    const handle = (res: HttpResponse, req: HttpRequest): void => handler(this.#exchange(res, req, countedAs), req);
    app.get(path, handle);
    app.head(path, handle);
    this.#others(app, path, "GET, HEAD, OPTIONS", countedAs);
  }

  #post(app: TemplatedApp, route: Route, handler: Handler): void {
    const meters = this.#meters.http[route];
    app.post(route, (res, req) => handler(new Exchange(res, false, this.#context, meters), req));
    this.#others(app, route, "POST, OPTIONS", route);
  }

  /** OPTIONS, and 405 for every method that has no handler of its own. */
  #others(app: TemplatedApp, path: string, allow: string, countedAs: Route): void {
    app.options(path, (res, req) =>
      this.#exchange(res, req, countedAs).answer({
        status: 204,
        headers: [["Allow", allow], ...this.#preflight(allow)],
      }),
    );
    app.any(path, (res, req) => {
      this.#exchange(res, req, countedAs).answer(notAllowedAnswer(req.getCaseSensitiveMethod(), allow));
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
  return problem("no-such-payment", `no such payment: id=${text.slice(0, 64)}`);
}
