import type { ProcessorConfig } from "../settings/processors.ts";
import { basicAuthorization } from "../text/url-credentials.ts";
import { portOf } from "../text/url-port.ts";

/** Where a processor is and how it is spoken to. */
export type Target = Pick<ProcessorConfig, "url" | "headers" | "tls">;

/** Where a processor is, and what every request to it says. */
export type Endpoint = {
  isSecure: boolean;
  host: string;
  port: number;
  /** Scheme, host and port. */
  origin: string;
  /** Host and port as a Host header has them. */
  hostHeader: string;
  /** Of the payments: without a slash at its end. */
  path: string;
  /** Beyond Host, by name and value in turn: Authorization where the URL has a user, and the configured ones. */
  headers: readonly string[];
};

export function endpointOf({ url, headers }: Target): Endpoint {
  const authorization = basicAuthorization(url);
  return {
    isSecure: url.protocol === "https:",
    // A URL has IPv6 addresses in brackets, a socket wants them without.
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: portOf(url),
    origin: url.origin,
    hostHeader: url.host,
    path: `${url.pathname.replace(/\/$/, "")}/payments`,
    headers: [...(authorization ? ["Authorization", authorization] : []), ...headers.flat()],
  };
}

/** Header lines of HTTP/1.1 from names and values in turn. */
export function headerLines(headers: readonly string[]): string {
  let text = "";
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return text;
}
