import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { HAND_WORDS, type HandWord } from "../../core/settling/settlement.ts";
import { parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import type { HandAnswer, HandWish } from "../doubts/doubt-desk.ts";
import type { DoubtDesks } from "../doubts/doubt-desks.ts";
import { LISTED_MAX, type Page } from "../doubts/doubt-listing.ts";
import { type Answer, jsonAnswer, problemAnswer, RETRY_SOON } from "../http/answer.ts";
import { Exchange, PLAIN } from "../http/exchange.ts";
import { refusalOfForeignPage } from "../http/origin.ts";
import { refuseOthers } from "../http/refuse-others.ts";
import { parseObject } from "../text/json-object.ts";
import { badRequest, type Problem, problem } from "../text/problem.ts";
import type { ProblemName } from "../text/problem-types.ts";
import { formatTimestamp, parseTimestamp } from "../text/timestamp.ts";
import { REFUSAL_DETAILS, REFUSAL_PROBLEMS, UNSAFE } from "./payment-ack.ts";

const BODY_BYTES_MAX = 256;
const LIMIT_DEFAULT = 100;
const OFFSET_MAX = 1_000_000;
const FIELDS = ["word", "asOf"];

/**
 * What operators do about payments that are in doubt or held, where the rest of their endpoints is (admin-api.ts).
 *
 *   GET  /doubts?limit&offset   those of this instance: in doubt, earliest requestedAt first, and then held
 *   POST /doubts/{id}           {"word": "charged", "not charged" or "failed"}, and if wanted "asOf": when the
 *                               processor was asked
 *
 * A refusal that may be over soon has Retry-After, the others have not.
 */
export function serveDoubts(app: TemplatedApp, desks: DoubtDesks): void {
  const list = (res: HttpResponse, req: HttpRequest, isHead: boolean): void => {
    const page = parsePage(req.getQuery("limit"), req.getQuery("offset"));
    const exchange = new Exchange(res, isHead, PLAIN);
    if ("status" in page) exchange.answer(problemAnswer(page));
    else
      exchange.answerLater(
        desks.list(page).then((json) => (json === "unsafe" ? problemAnswer(UNSAFE) : jsonAnswer(json))),
      );
  };
  app.get("/doubts", (res, req) => list(res, req, false));
  app.head("/doubts", (res, req) => list(res, req, true));
  refuseOthers(app, "/doubts", "GET, HEAD");
  app.post("/doubts/:id", (res, req) => settle(res, req, desks));
  refuseOthers(app, "/doubts/:id", "POST");
}

function settle(res: HttpResponse, req: HttpRequest, desks: DoubtDesks): void {
  const exchange = new Exchange(res, false, PLAIN);
  const id = req.getParameter(0) ?? "";
  const words = new Int32Array(UUID_WORDS);
  const refusal = refusalOfForeignPage(req) ?? (parseUuidText(id, words) ? undefined : unknown(id));
  if (refusal) {
    exchange.answer(problemAnswer(refusal));
    return;
  }
  exchange.readBodyUpTo(BODY_BYTES_MAX, req, (bytes) => {
    const wish = parseWish(new TextDecoder().decode(bytes));
    if ("status" in wish) exchange.answer(problemAnswer(wish));
    else exchange.answerLater(desks.settle(words, wish).then((answer) => answerOf(answer, id)));
  });
}

function answerOf(answer: HandAnswer, id: string): Answer {
  switch (answer.kind) {
    case "settled":
      return jsonAnswer(answer.json);
    case "refused":
      return refused(REFUSAL_PROBLEMS[answer.reason], `nothing is settled: ${REFUSAL_DETAILS[answer.reason]}`);
    case "not written":
      return refused("journal-unwritable", "the word may be lost, the journal cannot be written: say it again");
    case "unknown":
      return problemAnswer(unknown(id));
    case "not in doubt":
      return refused("not-in-doubt", `only a payment that is in doubt or held can be settled: state=${answer.state}`);
    case "at no processor":
      return refused(
        "never-sent",
        "the payment is held and not known to have been sent: nothing says which processor charged it",
      );
    case "may land":
      return refused(
        "charge-may-land",
        "a request of the life whose records are lost may still arrive, ask the processors after that: " +
          `until=${formatTimestamp(answer.untilMs)}`,
      );
    case "being asked about":
      return problemAnswer(
        problem("being-asked", "the processor is being asked about this payment just now: try again"),
        [RETRY_SOON],
      );
    case "sent since": {
      const sentAt = formatTimestamp(answer.sentAtMs);
      const detail = `the payment must not have been sent since asOf, ask the processor again: sentAt=${sentAt}`;
      return problemAnswer({ ...problem("sent-since", detail), field: "asOf" });
    }
  }
}

function refused(name: ProblemName, detail: string): Answer {
  return problemAnswer(problem(name, detail));
}

/** What is to be said, or what is wrong with it. */
export function parseWish(body: string): HandWish | Problem {
  const fields = parseObject(body);
  if (fields === undefined) return badRequest("body", "the body must be a JSON object");
  const more = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (more !== undefined) return badRequest("body", `fields must be ${FIELDS.join(", ")}`, more);
  const { word, asOf } = fields;
  if (!isWord(word)) return badRequest("word", `word must be one of ${HAND_WORDS.join(", ")}`, word ?? null);
  if (asOf === undefined) return { word, asOfMs: undefined };
  const moment = typeof asOf === "string" ? parseTimestamp(asOf) : undefined;
  if (moment === undefined)
    return badRequest("asOf", "asOf must be an ISO 8601 timestamp such as 2025-07-15T12:34:56.789Z", asOf);
  return { word, asOfMs: moment.ms };
}

function isWord(value: unknown): value is HandWord {
  return (HAND_WORDS as readonly unknown[]).includes(value);
}

function parsePage(limit: string | undefined, offset: string | undefined): Page | Problem {
  const page = { limit: readCount(limit, LIMIT_DEFAULT), offset: readCount(offset, 0) };
  if (!(page.limit <= LISTED_MAX)) return badRequest("limit", `limit must be from 0 to ${LISTED_MAX}`, limit);
  if (!(page.offset <= OFFSET_MAX)) return badRequest("offset", `offset must be from 0 to ${OFFSET_MAX}`, offset);
  return page;
}

function readCount(text: string | undefined, fallback: number): number {
  if (text === undefined || text === "") return fallback;
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
}

function unknown(id: string): Problem {
  return problem("no-such-payment", `no such payment here: id=${id.slice(0, 64)}`);
}
