import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { instanceOfPaymentId } from "../../core/payment-id.ts";
import { parseUuidText, UUID_WORDS } from "../../core/uuid.ts";
import { linkQuery } from "../link/link-api.ts";
import type { Peers } from "../link/peers.ts";
import type { PaymentService } from "../payment-service.ts";
import { type Problem, unavailable } from "../problem.ts";
import type { ReadinessReport } from "../readiness.ts";
import { combineParts, isProblem, parseWindow, type Window } from "../summary.ts";
import { type Answer, AnswerWriter, isHeadRequest, jsonAnswer, problemAnswer } from "./answer.ts";
import { PaymentAck } from "./payment-ack.ts";
import { readBody } from "./request-body.ts";

export type PublicApiOptions = {
  self: number;
  owners: Uint8Array;
  maxBodyBytes: number;
  purgeEnabled: boolean;
  /** Empty: no CORS headers. */
  corsOrigin: string;
};

const CORS_MAX_AGE_S = 86_400;

/** The API that clients see: see README, "API". */
export class PublicApi {
  readonly #service: PaymentService;
  readonly #peers: Peers;
  readonly #options: PublicApiOptions;
  readonly #answers: AnswerWriter;
  readonly #readiness: () => Promise<ReadinessReport>;

  constructor(
    service: PaymentService,
    peers: Peers,
    readiness: () => Promise<ReadinessReport>,
    options: PublicApiOptions,
  ) {
    this.#service = service;
    this.#peers = peers;
    this.#readiness = readiness;
    this.#options = options;
    this.#answers = new AnswerWriter(
      options.corsOrigin === "" ? [] : [["Access-Control-Allow-Origin", options.corsOrigin]],
      service.tracing,
    );
  }

  register(app: TemplatedApp): void {
    app.post("/payments", (res, req) => this.#postPayment(res, req));
    this.#others(app, "/payments", "POST, OPTIONS");
    this.#get(app, "/payments-summary", (res, req, isHead) => this.#getSummary(res, req, isHead));
    this.#get(app, "/payments/:id", (res, req, isHead) => this.#getPayment(res, req, isHead));
    app.post("/purge-payments", (res, req) => this.#purge(res, req));
    this.#others(app, "/purge-payments", "POST, OPTIONS");
    this.#get(app, "/health", (res, _req, isHead) => this.#answers.write(res, jsonAnswer('{"status":"ok"}'), isHead));
    this.#get(app, "/ready", (res, _req, isHead) => this.#getReady(res, isHead));
    app.any("/*", (res, req) => {
      const detail = `there is nothing here: path=${req.getUrl().slice(0, 128)}`;
      this.#answers.write(res, problemAnswer({ status: 404, detail }), isHeadRequest(req));
    });
  }

  /** Hot: one parse, one call into the engine; the answer follows when the turn's records are written. */
  #postPayment(res: HttpResponse, req: HttpRequest): void {
    const onAborted = this.#answers.tracing?.requests.began(res, req, "POST", "/payments");
    readBody(
      req,
      res,
      this.#options.maxBodyBytes,
      (bytes) => this.#acceptBody(res, bytes),
      () => this.#answers.write(res, problemAnswer(this.#tooLarge())),
      onAborted,
    );
  }

  #acceptBody(res: HttpResponse, bytes: Uint8Array): void {
    const problem = this.#service.body.parse(bytes);
    if (problem) {
      this.#answers.write(res, problemAnswer(problem));
      return;
    }
    const owner = this.#options.owners[this.#service.body.id[3]! & 0xff]!;
    if (owner !== this.#options.self) {
      // The bytes are gone when this returns.
      const headers = this.#answers.tracing?.headersOf(res);
      this.#answers.writeLater(res, this.#peers.forward(owner, bytes.slice(), headers));
      return;
    }
    PaymentAck.answer(this.#service, this.#answers, res);
  }

  #getSummary(res: HttpResponse, req: HttpRequest, isHead: boolean): void {
    this.#answers.tracing?.requests.began(res, req, isHead ? "HEAD" : "GET", "/payments-summary");
    const window = parseWindow(req.getQuery("from"), req.getQuery("to"));
    if (isProblem(window)) this.#answers.write(res, problemAnswer(window), isHead);
    else this.#answers.writeLater(res, this.#summary(window), isHead);
  }

  async #summary(window: Window): Promise<Answer> {
    const ofPeers = this.#peers.count === 0 ? [] : this.#peers.summaryParts(linkQuery(window));
    const own = await this.#service.summaryPart(window);
    const parts = await ofPeers;
    if (parts === undefined) return problemAnswer(unavailable("an instance's part of the summary cannot be had"));
    const { body, settledUntil } = combineParts([own, ...parts]);
    return jsonAnswer(body, [["Settled-Until", settledUntil]]);
  }

  #getPayment(res: HttpResponse, req: HttpRequest, isHead: boolean): void {
    this.#answers.tracing?.requests.began(res, req, isHead ? "HEAD" : "GET", "/payments/:id");
    const text = req.getParameter(0) ?? "";
    const id = new Int32Array(UUID_WORDS);
    const isUuid = parseUuidText(text, id);
    const json = isUuid ? this.#service.view(id) : undefined;
    if (json !== undefined) this.#answers.write(res, jsonAnswer(json), isHead);
    else if (!isUuid || this.#peers.count === 0) this.#answers.write(res, problemAnswer(unknownPayment(text)), isHead);
    else this.#answers.writeLater(res, this.#askPeers(text, id), isHead);
  }

  /** The id is a correlationId, whose owner is known, or a payment id, which carries its instance. */
  async #askPeers(text: string, id: Int32Array): Promise<Answer> {
    const owner = this.#options.owners[id[3]! & 0xff]!;
    const found = await this.#peers.find(text, [owner, instanceOfPaymentId(id)]);
    if (found === "unknown") return problemAnswer(unknownPayment(text));
    if (found === "unreachable")
      return problemAnswer(unavailable("the instance that may know this payment cannot be reached"));
    return jsonAnswer(found.json);
  }

  #purge(res: HttpResponse, req: HttpRequest): void {
    this.#answers.tracing?.requests.began(res, req, "POST", "/purge-payments");
    if (!this.#options.purgeEnabled) {
      this.#answers.write(res, problemAnswer({ status: 403, detail: "purging is not allowed: PURGE_ENABLED=false" }));
      return;
    }
    this.#answers.writeLater(res, this.#purgeAll());
  }

  async #purgeAll(): Promise<Answer> {
    const isOwnPurged = await this.#service.purge();
    const arePeersPurged = this.#peers.count === 0 || (await this.#peers.purge());
    if (isOwnPurged && arePeersPurged) return jsonAnswer('{"message":"All payments purged."}');
    return problemAnswer(unavailable("an instance could not be purged"));
  }

  #getReady(res: HttpResponse, isHead: boolean): void {
    const answer = this.#readiness().then((report) => ({
      ...jsonAnswer(JSON.stringify(report)),
      status: report.ready ? 200 : 503,
    }));
    this.#answers.writeLater(res, answer, isHead);
  }

  #get(app: TemplatedApp, path: string, handler: (res: HttpResponse, req: HttpRequest, isHead: boolean) => void): void {
    app.get(path, (res, req) => handler(res, req, false));
    app.head(path, (res, req) => handler(res, req, true));
    this.#others(app, path, "GET, HEAD, OPTIONS");
  }

  /** OPTIONS, and 405 for every method that has no handler of its own. */
  #others(app: TemplatedApp, path: string, allow: string): void {
    app.options(path, (res) =>
      this.#answers.write(res, { status: 204, headers: [["Allow", allow], ...this.#preflight(allow)] }),
    );
    app.any(path, (res, req) => {
      const detail = `this method is not allowed here: method=${req.getCaseSensitiveMethod()}`;
      this.#answers.write(res, problemAnswer({ status: 405, detail }, [["Allow", allow]]), isHeadRequest(req));
    });
  }

  #preflight(allow: string): [string, string][] {
    if (this.#options.corsOrigin === "") return [];
    return [
      ["Access-Control-Allow-Methods", allow],
      ["Access-Control-Allow-Headers", "Content-Type"],
      ["Access-Control-Max-Age", String(CORS_MAX_AGE_S)],
    ];
  }

  #tooLarge(): Problem {
    return { status: 413, detail: `the body is too large: maxBytes=${this.#options.maxBodyBytes}` };
  }
}

function unknownPayment(text: string): Problem {
  return { status: 404, detail: `no such payment: id=${text.slice(0, 64)}` };
}
