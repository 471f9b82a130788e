/** Where a processor's payments are. */
export type Endpoint = {
  host: string;
  port: number;
  /** Of the payments: without a slash at its end. */
  path: string;
  /** What the Host header says. */
  authority: string;
};

export function endpointOf(url: URL): Endpoint {
  return {
    // A URL has IPv6 addresses in brackets, a socket wants them without.
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || 80),
    path: `${url.pathname.replace(/\/$/, "")}/payments`,
    authority: url.host,
  };
}
