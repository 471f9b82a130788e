import type { TemplatedApp } from "uWebSockets.js";
import { notAllowedAnswer } from "./answer.ts";
import { Exchange, PLAIN } from "./exchange.ts";

/** 405 for every method of the route that has no handler of its own. */
export function refuseOthers(app: TemplatedApp, route: string, allow: string): void {
  app.any(route, (res, req) => {
    const method = req.getCaseSensitiveMethod();
    new Exchange(res, method === "HEAD", PLAIN).answer(notAllowedAnswer(method, allow));
  });
}
