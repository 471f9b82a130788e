import type { HttpRequest } from "uWebSockets.js";
import type { Problem } from "../problem.ts";

/**
 * Whether a page of this very site asks, or no page at all. Browsers say which page it is with every WebSocket and every PUT, and let no
 * page choose what they say; without this check any page somebody has open could read along, or press the buttons.
 */
export function isFromOwnPage(req: HttpRequest, allowedOrigin = ""): boolean {
  return isOwnOrigin(req.getHeader("origin"), req.getHeader("host"), allowedOrigin);
}

/** `allowedOrigin` is one more origin that may, or `*` for all. */
export function isOwnOrigin(origin: string, host: string, allowedOrigin: string): boolean {
  if (origin === "" || allowedOrigin === "*" || origin === allowedOrigin) return true;
  return URL.canParse(origin) && new URL(origin).host !== "" && new URL(origin).host === host.toLowerCase();
}

/**
 * Why a request that changes something is not heeded, if so: it needs a content type that no form can send, and an origin that no other
 * page can claim.
 */
export function refusalOfForeignPage(req: HttpRequest): Problem | undefined {
  if (!isFromOwnPage(req)) return { status: 403, detail: "another site's page may not do this" };
  const type = req.getHeader("content-type").split(";")[0]!.trim().toLowerCase();
  if (type !== "application/json") return { status: 415, detail: "content-type must be application/json" };
  return undefined;
}
