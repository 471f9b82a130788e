import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { trimmedDecimalText } from "./amount.ts";
import type { ArrivalLog } from "./arrival-log.ts";
import { chargeJson } from "./charge-json.ts";
import { type Charges, everything, type Window } from "./charges.ts";
import { type Fee, feeText, totalFeeText } from "./fee.ts";
import { answerEmpty, answerJson, answerMessage } from "./kestrel.ts";
import { broken } from "./payment-body.ts";
import type { Settings } from "./settings.ts";
import { readTimestampUs } from "./timestamp.ts";

const PAGE_LIMIT_DEFAULT = 1000;
const PAGE_LIMIT_MAX = 10_000;

export type AdminParts = {
  readonly charges: Charges;
  readonly healthArrivals: ArrivalLog;
  readonly settings: Settings;
  readonly fee: Fee;
};

export type Handler = (res: HttpResponse, req: HttpRequest) => void;

/** Answers 401 unless the request has the token of the moment. */
export function guarded(settings: Settings, handle: Handler): Handler {
  return (res, req) => {
    if (req.getHeader("x-rinha-token") === settings.token) handle(res, req);
    else answerEmpty(res, 401);
  };
}

/** The admin calls that tell of payments, and the one that forgets them. */
export function addAdminRoutes(app: TemplatedApp, parts: AdminParts): void {
  const { charges, healthArrivals, settings } = parts;
  app.get(
    "/admin/payments-summary",
    guarded(settings, (res, req) => answerSummary(res, req, parts)),
  );
  app.get(
    "/admin/payments",
    guarded(settings, (res, req) => answerPage(res, req, charges)),
  );
  app.get(
    "/admin/health-calls",
    guarded(settings, (res) => {
      answerJson(res, 200, JSON.stringify({ count: healthArrivals.count, arrivals: healthArrivals.recent() }));
    }),
  );
  app.post(
    "/admin/purge-payments",
    guarded(settings, (res) => {
      charges.purge();
      answerMessage(res, 200, "All payments purged.");
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
  const totals = `"totalAmount":${trimmedDecimalText(cents, 2)},"totalRequests":${count}`;
  answerJson(res, 200, `{${totals},"totalFee":${totalFeeText(cents, fee)},"feePerTransaction":${feeText(fee)}}`);
}

function answerPage(res: HttpResponse, req: HttpRequest, charges: Charges): void {
  const window = readWindow(req);
  if (typeof window === "string") {
    answerMessage(res, 400, window);
    return;
  }
  const limit = readCount(req.getQuery("limit") ?? String(PAGE_LIMIT_DEFAULT));
  if (limit === undefined || limit < 1 || limit > PAGE_LIMIT_MAX) {
    answerMessage(res, 400, broken(`limit must be from 1 to ${PAGE_LIMIT_MAX}`, "limit", req.getQuery("limit")));
    return;
  }
  const offset = readCount(req.getQuery("offset") ?? "0");
  if (offset === undefined) {
    answerMessage(res, 400, broken("offset must be a whole number", "offset", req.getQuery("offset")));
    return;
  }
  answerJson(res, 200, `[${charges.list(window, offset, limit).map(chargeJson).join(",\n")}]`);
}

/** Everything, if either end is missing or empty: so does the real processor, half a window is no window. */
function readWindow(req: HttpRequest): Window | string {
  const from = req.getQuery("from") || undefined;
  const to = req.getQuery("to") || undefined;
  const fromUs = from === undefined ? everything.fromUs : readTimestampUs(from);
  if (fromUs === undefined) return broken("from must be an ISO 8601 timestamp", "from", from);
  const toUs = to === undefined ? everything.toUs : readTimestampUs(to);
  if (toUs === undefined) return broken("to must be an ISO 8601 timestamp", "to", to);
  return from === undefined || to === undefined ? everything : { fromUs, toUs };
}

function readCount(text: string): number | undefined {
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}
