import type { HttpResponse, TemplatedApp } from "uWebSockets.js";
import { guarded, type Handler } from "./admin-routes.ts";
import { answerEmpty, answerJson, answerMessage, answerTooLarge } from "./kestrel.ts";
import type { Misbehaviours } from "./misbehaviours.ts";
import { broken, fieldOf, parseObject } from "./payment-body.ts";
import { BODY_BYTES_MAX, isJson, readBody } from "./request-body.ts";
import { DELAY_MS_MAX, type Settings } from "./settings.ts";

/**
 * Made: answered with what it was before, or with 204 where that is nobody's business. A text is the rule that was
 * broken.
 */
type Outcome = { readonly was?: unknown } | string;

/** The admin calls that change how the processor behaves from now on. */
export function addConfigurationRoutes(app: TemplatedApp, settings: Settings, misbehaviours: Misbehaviours): void {
  const add = (name: string, change: (value: unknown) => Outcome): void => {
    app.put(`/admin/configurations/${name}`, settingHandler(settings, name, change));
  };
  add("token", (value) => {
    if (typeof value !== "string" || value === "")
      return broken("token must be a string that is not empty", "token", value);
    settings.token = value;
    return {};
  });
  add("delay", (value) => {
    if (!isDelayMs(value)) {
      return broken(`delay must be a whole number of milliseconds from 0 to ${DELAY_MS_MAX}`, "delay", value);
    }
    const was = settings.delayMs;
    settings.delayMs = value;
    return { was };
  });
  add("failure", (value) => {
    if (typeof value !== "boolean") return broken("failure must be true or false", "failure", value);
    const was = settings.failing;
    settings.failing = value;
    return { was };
  });
  add("misbehaviour", (value) => {
    const was = misbehaviours.json;
    return misbehaviours.change(value) ?? { was };
  });
  app.del(
    "/admin/configurations/misbehaviour",
    guarded(settings, (res) => {
      misbehaviours.change([]);
      answerEmpty(res, 204);
    }),
  );
}

/**
 * When the value breaks a rule, `change` changes nothing. As in the real processor, the body's type comes before the
 * token.
 */
function settingHandler(settings: Settings, name: string, change: (value: unknown) => Outcome): Handler {
  const handle = guarded(settings, (res) => {
    // Nothing waits for an answer between chunks, so a caller who hangs up leaves nothing behind.
    res.onAborted(() => {});
    readBody(res, (body) => {
      if (body === undefined) answerTooLarge(res, BODY_BYTES_MAX);
      else answerChange(res, body, name, change);
    });
  });
  return (res, req) => {
    if (isJson(req)) handle(res, req);
    else answerEmpty(res, 415);
  };
}

function answerChange(res: HttpResponse, body: string, name: string, change: (value: unknown) => Outcome): void {
  const fields = parseObject(body);
  if (fields === undefined) {
    answerMessage(res, 400, "body must be a JSON object");
    return;
  }
  const value = fieldOf(fields, name);
  const outcome = change(value);
  if (typeof outcome === "string") answerMessage(res, 400, outcome);
  else if ("was" in outcome) answerJson(res, 200, JSON.stringify({ config: name, was: outcome.was, is: value }));
  else answerEmpty(res, 204);
}

function isDelayMs(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= DELAY_MS_MAX;
}
