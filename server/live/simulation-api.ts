import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { type Answer, jsonAnswer, problemAnswer } from "../http/answer.ts";
import { Exchange, PLAIN } from "../http/exchange.ts";
import { refusalOfForeignPage } from "../http/origin.ts";
import { refuseOthers } from "../http/refuse-others.ts";
import { parseObject } from "../text/json-object.ts";
import { badRequest, type Problem, problem } from "../text/problem.ts";
import type { ProcessorAdmin, ProcessorWish } from "./processor-admin.ts";

const BODY_BYTES_MAX = 256;
export const DELAY_MS_MAX = 60_000;
const ROUTE = "/simulation/processors/:name";

/**
 * PUT /simulation/processors/{name} {"delayMs": 0 … 60000, "failing": true or false}, either or both: makes a simulated
 * processor slow or failing. It is there only when the configuration has the processors' admin token.
 */
export function serveSimulation(app: TemplatedApp, admin: ProcessorAdmin): void {
  app.put(ROUTE, (res, req) => putProcessor(res, req, admin));
  refuseOthers(app, ROUTE, "PUT");
}

function putProcessor(res: HttpResponse, req: HttpRequest, admin: ProcessorAdmin): void {
  const exchange = new Exchange(res, false, PLAIN);
  const name = req.getParameter(0) ?? "";
  const processor = admin.numberOf(name);
  const refusal = refusalOf(req, processor, name);
  if (refusal) {
    exchange.answer(problemAnswer(refusal));
    return;
  }
  exchange.readBodyUpTo(BODY_BYTES_MAX, req, (bytes) => {
    const wish = parseWish(new TextDecoder().decode(bytes));
    if ("status" in wish) exchange.answer(problemAnswer(wish));
    else exchange.answerLater(configure(admin, processor, name, wish));
  });
}

function refusalOf(req: HttpRequest, processor: number, name: string): Problem | undefined {
  const refusal = refusalOfForeignPage(req);
  if (refusal) return refusal;
  return processor < 0 ? problem("no-such-processor", `no such processor: name=${name.slice(0, 64)}`) : undefined;
}

async function configure(admin: ProcessorAdmin, processor: number, name: string, wish: ProcessorWish): Promise<Answer> {
  const fault = await admin.configure(processor, wish);
  if (fault !== undefined) return problemAnswer(problem("processor-not-configured", fault));
  return jsonAnswer(JSON.stringify({ name, ...wish }));
}

/** The wish, or what is wrong with it. */
export function parseWish(body: string): ProcessorWish | Problem {
  const fields = parseObject(body);
  if (fields === undefined) return badRequest("body", "the body must be a JSON object");
  const unknown = Object.keys(fields).find((name) => name !== "delayMs" && name !== "failing");
  if (unknown !== undefined) return badRequest("body", "fields must be delayMs, failing", unknown);
  const { delayMs, failing } = fields;
  if (delayMs === undefined && failing === undefined)
    return badRequest("body", "the body must have delayMs, failing or both");
  if (delayMs !== undefined && !isDelay(delayMs))
    return badRequest("delayMs", `delayMs must be a whole number from 0 to ${DELAY_MS_MAX}`, delayMs);
  if (failing !== undefined && typeof failing !== "boolean")
    return badRequest("failing", "failing must be true or false", failing);
  return { ...(delayMs !== undefined && { delayMs }), ...(failing !== undefined && { failing }) };
}

function isDelay(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= DELAY_MS_MAX;
}
