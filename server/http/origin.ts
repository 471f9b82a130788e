import type { HttpRequest } from "uWebSockets.js";
import { type Problem, problem } from "../text/problem.ts";

/**
 * Whether a page of this very site asks, or no page at all. Browsers say which page it is with every WebSocket,
 * every PUT and every POST, and let no page choose what they say; without this check any page somebody has open could
 * read along, pay, or press the buttons.
 */
export function isFromOwnPage(req: HttpRequest, allowedOrigin = ""): boolean {
  const origin = req.getHeader("origin");
  // Hot, where payments come from no page: one look.
  return origin === "" || isOwnOrigin(origin, req.getHeader("host"), allowedOrigin);
}

/**
 * `host` is the Host header, `allowedOrigin` one more origin that may, or `*` for all. The scheme is the page's: behind
 * a proxy nobody here knows whether the client speaks TLS. So the port that either side leaves out is that scheme's
 * default.
 */
export function isOwnOrigin(origin: string, host: string, allowedOrigin: string): boolean {
  if (origin === "" || allowedOrigin === "*" || origin === allowedOrigin) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host: pageHost } = new URL(origin);
  return /^https?:$/.test(protocol) && hostOf(protocol, host) === pageHost;
}

/**
 * The Host header as a URL has it: lower case, IPv6 in its shortest form, no default port. Undefined when it is more
 * than a host.
 */
function hostOf(protocol: string, host: string): string | undefined {
  const text = `${protocol}//${host}`;
  if (/[/\\?#@\s]/.test(host) || !URL.canParse(text)) return undefined;
  return new URL(text).host;
}

/** To a page of another site that asks for what only our own may. */
export const FOREIGN_PAGE = problem(
  "foreign-page",
  "another site's page may not do this: name its origin in CORS_ORIGIN if it may",
);

/**
 * Why a request that changes something is not heeded, if so: it needs a content type that no form can send, and an
 * origin that no other page can claim.
 */
export function refusalOfForeignPage(req: HttpRequest): Problem | undefined {
  if (!isFromOwnPage(req)) return problem("foreign-page", "another site's page may not do this");
  const type = req.getHeader("content-type").split(";")[0]!.trim().toLowerCase();
  if (type !== "application/json") return problem("wrong-content-type", "content-type must be application/json");
  return undefined;
}
