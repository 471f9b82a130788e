import type { HttpResponse, TemplatedApp } from "uWebSockets.js";
import { type Answer, jsonAnswer, problemAnswer } from "../http/answer.ts";
import { Exchange, PLAIN } from "../http/exchange.ts";
import { refuseOthers } from "../http/refuse-others.ts";
import { LOG_LEVELS, type Log } from "../log/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { badRequest, type Problem, problem } from "../text/problem.ts";

const BODY_BYTES_MAX = 1024;

/**
 * What operators ask of an instance. The balancer passes none of it on unless it is told to
 * (docker/nginx/metrics.conf).
 *
 *   GET /metrics      Prometheus text format; only with metrics
 *   GET /log-level    {"level":"warn","configured":"warn"}
 *   PUT /log-level    {"level":"debug"}; until the next change or the end of the process
 *   /doubts           see doubts-api.ts
 */
export function serveAdmin(app: TemplatedApp, log: Log, metrics: Metrics | undefined): void {
  if (metrics) {
    const scrape = (res: HttpResponse, isHead: boolean): void => {
      const { contentType } = metrics;
      new Exchange(res, isHead, PLAIN).answerLater(
        metrics.text().then((body): Answer => ({ status: 200, body, contentType })),
      );
    };
    app.get("/metrics", (res) => scrape(res, false));
    app.head("/metrics", (res) => scrape(res, true));
    refuseOthers(app, "/metrics", "GET, HEAD");
  }
  app.get("/log-level", (res) => new Exchange(res, false, PLAIN).answer(levelAnswer(log)));
  app.put("/log-level", (res, req) => {
    const exchange = new Exchange(res, false, PLAIN);
    exchange.readBodyUpTo(BODY_BYTES_MAX, req, (bytes) => exchange.answer(setLevel(log, bytes)));
  });
  refuseOthers(app, "/log-level", "GET, PUT");
}

/** For an address that serves nothing else. */
export function refuseUnknown(app: TemplatedApp): void {
  app.any("/*", (res, req) => {
    const isHead = req.getCaseSensitiveMethod() === "HEAD";
    new Exchange(res, isHead, PLAIN).answer(
      problemAnswer(problem("no-such-resource", "no such endpoint for operators")),
    );
  });
}

function levelAnswer(log: Log): Answer {
  return jsonAnswer(JSON.stringify({ level: log.level, configured: log.configuredLevel }));
}

function setLevel(log: Log, bytes: Uint8Array): Answer {
  const level = readLevel(bytes);
  if (typeof level !== "string") return problemAnswer(level);
  log.level = level;
  log.logger.warn({ level }, "log level changed by request");
  return levelAnswer(log);
}

function readLevel(bytes: Uint8Array): string | Problem {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return badRequest("body", "the body must be valid JSON in UTF-8");
  }
  const level = typeof body === "object" && body !== null ? (body as { level?: unknown }).level : undefined;
  if (level === undefined) return badRequest("level", "level is required");
  if (typeof level === "string" && LOG_LEVELS.includes(level)) return level;
  return badRequest("level", `level must be one of ${LOG_LEVELS.join(", ")}`, level);
}
