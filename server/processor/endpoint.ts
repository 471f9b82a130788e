import { basicAuthorization } from "../url-credentials.ts";

/** Where a processor is, and what every request to it says. */
export type Endpoint = {
  host: string;
  port: number;
  /** Of the payments: without a slash at its end. */
  path: string;
  /** Host, and Authorization where the URL has a user; each ends its line. */
  headers: string;
};

export function endpointOf(url: URL): Endpoint {
  const authorization = basicAuthorization(url);
  return {
    // A URL has IPv6 addresses in brackets, a socket wants them without.
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || 80),
    path: `${url.pathname.replace(/\/$/, "")}/payments`,
    headers: `Host: ${url.host}\r\n${authorization ? `Authorization: ${authorization}\r\n` : ""}`,
  };
}
