import type { HttpRequest } from "uWebSockets.js";

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
