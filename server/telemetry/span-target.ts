import { portOf } from "../text/url-port.ts";

/** What the spans of all requests to a processor have in common. */
export class SpanTarget {
  readonly name: string;
  readonly hostname: string;
  readonly port: number;
  readonly paymentsUrl: string;
  readonly pollUrl: string;
  readonly pollName: string;
  readonly #path: string;

  constructor(name: string, url: URL) {
    this.name = name;
    this.hostname = url.hostname;
    this.port = portOf(url);
    this.#path = `${url.pathname.replace(/\/$/, "")}/payments`;
    this.paymentsUrl = url.origin + this.#path;
    this.pollUrl = `${this.paymentsUrl}/service-health`;
    this.pollName = `GET ${this.#path}/service-health`;
  }

  attemptName(isLookup: boolean): string {
    return `${isLookup ? "GET" : "POST"} ${this.attemptTemplate(isLookup)}`;
  }

  attemptTemplate(isLookup: boolean): string {
    return isLookup ? `${this.#path}/{correlationId}` : this.#path;
  }
}
