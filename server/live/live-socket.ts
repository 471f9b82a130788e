import type { HttpRequest, HttpResponse, TemplatedApp, us_socket_context_t, WebSocketBehavior } from "uWebSockets.js";
import { problemAnswer } from "../http/answer.ts";
import type { ConnectionBound } from "../http/connection-bound.ts";
import { Exchange, PLAIN } from "../http/exchange.ts";
import { isFromOwnPage } from "../http/origin.ts";
import type { Hello } from "../page/message.ts";
import { type Problem, problem } from "../text/problem.ts";
import type { LiveFeed } from "./live-feed.ts";

export const LIVE_TOPIC = "live";
/** Pages on one instance. Each costs a copy of a few kilobytes a second, whatever else goes on. */
export const LIVE_SOCKETS_MAX = 64;
/** A page is not expected to say anything. */
const PAYLOAD_BYTES_MAX = 16;
/** Some ten samples; whoever is that far behind is let go, and comes again. */
const BACKPRESSURE_BYTES_MAX = 65_536;
const IDLE_TIMEOUT_S = 32;

/** `/live`: one message a second to every page that is open; and first what `hello` says then. */
export function serveLiveSocket(
  app: TemplatedApp,
  feed: LiveFeed,
  hello: () => Hello,
  corsOrigin: string,
  clients?: ConnectionBound,
): void {
  const behavior: WebSocketBehavior<object> & { closeOnBackpressureLimit: number } = {
    maxPayloadLength: PAYLOAD_BYTES_MAX,
    maxBackpressure: BACKPRESSURE_BYTES_MAX,
    closeOnBackpressureLimit: 1,
    idleTimeout: IDLE_TIMEOUT_S,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => {
      const refusal = refusalOf(req, feed, corsOrigin);
      if (refusal === undefined) upgrade(res, req, context);
      else new Exchange(res, false, PLAIN).answer(problemAnswer(refusal));
    },
    open: (ws) => {
      ws.send(JSON.stringify(hello()));
      ws.subscribe(LIVE_TOPIC);
      feed.viewerCame();
    },
    close: () => {
      feed.viewerLeft();
      // The listener hears of a connection's end only as long as it is HTTP.
      clients?.ended();
    },
  };
  app.ws("/live", behavior);
}

function refusalOf(req: HttpRequest, feed: LiveFeed, corsOrigin: string): Problem | undefined {
  if (!isFromOwnPage(req, corsOrigin)) return problem("foreign-page", "another site's page may not look on");
  if (feed.viewerCount < LIVE_SOCKETS_MAX) return undefined;
  return problem("too-many-pages", `too many pages are open: max=${LIVE_SOCKETS_MAX}`);
}

function upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
  res.upgrade(
    {},
    req.getHeader("sec-websocket-key"),
    req.getHeader("sec-websocket-protocol"),
    req.getHeader("sec-websocket-extensions"),
    context,
  );
}
