import type { TemplatedApp } from "uWebSockets.js";
import { parseUuidText, UUID_WORDS } from "../../core/uuid.ts";
import { AnswerWriter, jsonAnswer, problemAnswer } from "../http/answer.ts";
import { PaymentAck } from "../http/payment-ack.ts";
import { readBody } from "../http/request-body.ts";
import type { PaymentService } from "../payment-service.ts";
import { unavailable } from "../problem.ts";

export type LinkApiOptions = { self: number; owners: Uint8Array; maxBodyBytes: number };

/**
 * What the other instances ask of this one, on a listener of its own that the balancer does not know.
 *
 *   POST /payments          a payment that is ours but went to another instance; 421 if it is not ours (nobody forwards twice)
 *   GET  /payments/:id      as the public one, without asking further
 *   GET  /summary?from&to   milliseconds, either end optional; this instance's part
 *   POST /purge             forget everything
 *   GET  /health            alive
 */
export function serveLink(app: TemplatedApp, service: PaymentService, options: LinkApiOptions): void {
  const answers = new AnswerWriter([], service.tracing);
  const id = new Int32Array(UUID_WORDS);

  app.post("/payments", (res, req) => {
    const onAborted = service.tracing?.requests.began(res, req, "POST", "/payments");
    const refuseSize = () => answers.write(res, problemAnswer({ status: 413, detail: "the body is too large" }));
    readBody(
      req,
      res,
      options.maxBodyBytes,
      (bytes) => {
        const problem = service.body.parse(bytes);
        if (problem) return answers.write(res, problemAnswer(problem));
        if (options.owners[service.body.id[3]! & 0xff] !== options.self) {
          return answers.write(res, problemAnswer({ status: 421, detail: "this payment belongs to another instance" }));
        }
        PaymentAck.answer(service, answers, res);
      },
      refuseSize,
      onAborted,
    );
  });

  app.get("/payments/:id", (res, req) => {
    const json = parseUuidText(req.getParameter(0) ?? "", id) ? service.view(id) : undefined;
    answers.write(
      res,
      json === undefined ? problemAnswer({ status: 404, detail: "no such payment here" }) : jsonAnswer(json),
    );
  });

  app.get("/summary", (res, req) => {
    const from = req.getQuery("from");
    const to = req.getQuery("to");
    const part = service.summaryPart({
      fromMs: from === undefined ? Number.NEGATIVE_INFINITY : Number(from),
      toMs: to === undefined ? Number.POSITIVE_INFINITY : Number(to),
    });
    answers.writeLater(
      res,
      part.then((known) => jsonAnswer(JSON.stringify(known))),
    );
  });

  app.post("/purge", (res) => {
    const answer = service
      .purge()
      .then((isPurged) =>
        isPurged ? jsonAnswer('{"message":"purged"}') : problemAnswer(unavailable("the journal cannot be written")),
      );
    answers.writeLater(res, answer);
  });

  app.get("/health", (res) => answers.write(res, jsonAnswer('{"status":"ok"}')));
  app.any("/*", (res) => answers.write(res, problemAnswer({ status: 404, detail: "no such link endpoint" })));
}

/** The query by which `GET /summary` is asked for a window. */
export function linkQuery(window: { fromMs: number; toMs: number }): string {
  const ends = [
    Number.isFinite(window.fromMs) ? `from=${window.fromMs}` : "",
    Number.isFinite(window.toMs) ? `to=${window.toMs}` : "",
  ];
  return ends.filter((end) => end !== "").join("&");
}
