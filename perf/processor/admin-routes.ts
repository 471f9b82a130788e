import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import type { Fee } from "../../server/telemetry/fee.ts";
import { decimalText } from "./amount.ts";
import type { ArrivalLog } from "./arrival-log.ts";
import { chargeJson } from "./charge-json.ts";
import { type Charges, everything, type Window } from "./charges.ts";
import { totalFeeText } from "./fee.ts";
import { answerEmpty, answerJson, answerMessage, answerTooLarge, readBody } from "./http.ts";
import { broken, fieldOf, parseObject } from "./payment-body.ts";
import { delayMsMax, type Settings } from "./settings.ts";
import { readTimestampUs } from "./timestamp.ts";

const pageLimitDefault = 1000;
const pageLimitMax = 10_000;

export interface AdminParts {
  readonly charges: Charges;
  readonly healthArrivals: ArrivalLog;
  readonly settings: Settings;
  readonly fee: Fee;
}

type Handler = (res: HttpResponse, req: HttpRequest) => void;

export function addAdminRoutes(app: TemplatedApp, parts: AdminParts): void {
  const { charges, healthArrivals, settings } = parts;
  const guarded =
    (handle: Handler): Handler =>
    (res, req) => {
      if (req.getHeader("x-rinha-token") === settings.token) handle(res, req);
      else answerEmpty(res, 401);
    };

  app.get(
    "/admin/payments-summary",
    guarded((res, req) => answerSummary(res, req, parts)),
  );
  app.get(
    "/admin/payments",
    guarded((res, req) => answerPage(res, req, charges)),
  );
  app.get(
    "/admin/health-calls",
    guarded((res) => {
      answerJson(res, 200, JSON.stringify({ count: healthArrivals.count, arrivals: healthArrivals.recent() }));
    }),
  );
  app.post(
    "/admin/purge-payments",
    guarded((res) => {
      charges.purge();
      answerMessage(res, 200, "All payments purged.");
    }),
  );
  addSettingRoute(app, guarded, "token", (value) => {
    if (typeof value !== "string" || value === "") return "token must be a string that is not empty";
    settings.token = value;
    return { status: 204 };
  });
  addSettingRoute(app, guarded, "delay", (value) => {
    if (!isCount(value) || value > delayMsMax)
      return `delay must be a whole number of milliseconds from 0 to ${delayMsMax}`;
    const was = settings.delayMs;
    settings.delayMs = value;
    return { status: 200, json: JSON.stringify({ config: "delay", was, is: value }) };
  });
  addSettingRoute(app, guarded, "failure", (value) => {
    if (typeof value !== "boolean") return "failure must be true or false";
    const was = settings.failing;
    settings.failing = value;
    return { status: 200, json: JSON.stringify({ config: "failure", was, is: value }) };
  });
}

type SettingOutcome = { readonly status: 204 } | { readonly status: 200; readonly json: string };

/** `change` returns the rule that the value breaks, if it breaks one; then nothing has been changed. */
function addSettingRoute(
  app: TemplatedApp,
  guarded: (handle: Handler) => Handler,
  name: string,
  change: (value: unknown) => SettingOutcome | string,
): void {
  const answerChange = (res: HttpResponse, body: string): void => {
    const fields = parseObject(body);
    if (fields === undefined) {
      answerMessage(res, 400, "body must be a JSON object");
      return;
    }
    const value = fieldOf(fields, name);
    const outcome = change(value);
    if (typeof outcome === "string") answerMessage(res, 400, broken(outcome, name, value));
    else if (outcome.status === 200) answerJson(res, 200, outcome.json);
    else answerEmpty(res, 204);
  };
  app.put(
    `/admin/configurations/${name}`,
    guarded((res) => {
      // Nothing waits for an answer between chunks, so a caller who hangs up leaves nothing behind.
      res.onAborted(() => {});
      readBody(res, (body) => {
        if (body === undefined) answerTooLarge(res);
        else answerChange(res, body);
      });
    }),
  );
}

function answerSummary(res: HttpResponse, req: HttpRequest, { charges, fee }: AdminParts): void {
  const window = readWindow(req);
  if (typeof window === "string") {
    answerMessage(res, 400, window);
    return;
  }
  const { count, cents } = charges.totals(window);
  const totals = `"totalRequests":${count},"totalAmount":${decimalText(cents, 2)}`;
  answerJson(res, 200, `{${totals},"totalFee":${totalFeeText(cents, fee)},"feePerTransaction":${fee.text}}`);
}

function answerPage(res: HttpResponse, req: HttpRequest, charges: Charges): void {
  const window = readWindow(req);
  if (typeof window === "string") {
    answerMessage(res, 400, window);
    return;
  }
  const limit = readCount(req.getQuery("limit") ?? String(pageLimitDefault));
  if (limit === undefined || limit < 1 || limit > pageLimitMax) {
    answerMessage(res, 400, broken(`limit must be from 1 to ${pageLimitMax}`, "limit", req.getQuery("limit")));
    return;
  }
  const offset = readCount(req.getQuery("offset") ?? "0");
  if (offset === undefined) {
    answerMessage(res, 400, broken("offset must be a whole number", "offset", req.getQuery("offset")));
    return;
  }
  answerJson(res, 200, `[${charges.list(window, offset, limit).map(chargeJson).join(",\n")}]`);
}

/** Everything, if either end is missing: so does the real processor, half a window is no window. */
function readWindow(req: HttpRequest): Window | string {
  const from = req.getQuery("from");
  const to = req.getQuery("to");
  const fromUs = from === undefined ? everything.fromUs : readTimestampUs(from);
  if (fromUs === undefined) return broken("from must be an ISO 8601 timestamp", "from", from);
  const toUs = to === undefined ? everything.toUs : readTimestampUs(to);
  if (toUs === undefined) return broken("to must be an ISO 8601 timestamp", "to", to);
  return from === undefined || to === undefined ? everything : { fromUs, toUs };
}

function readCount(text: string): number | undefined {
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
