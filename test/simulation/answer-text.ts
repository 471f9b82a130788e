import { formatCents } from "../../core/values/money.ts";
import { formatTimestamp } from "../../server/text/timestamp.ts";
import type { Random } from "../support/random.ts";
import type { Charge, HealthAnswer, PostEnd } from "./virtual-processor.ts";

const PAGE = "<html><body>somebody else</body></html>";
const REFUSALS = [400, 413, 415, 401, 403, 404, 405, 307, 308];
const GATEWAYS = [502, 503, 504];
/** The failing switch says nothing at all. */
const NOTHING = "";

/** The answer to a POST as it goes over the wire. */
export function postAnswer(random: Random, end: PostEnd): string {
  if (end === 200) return framed(random, 200, '{"message":"payment processed successfully"}');
  if (end === 422) return framed(random, 422, '{"message":"duplicate key value violates unique constraint"}');
  if (end === 429) return framed(random, 429, "Too many requests", "Retry-After: 5\r\n");
  if (end === 500) return `HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n${NOTHING}`;
  if (end === "error") return framed(random, 500, '{"message":"the connection pool has been exhausted"}');
  if (end === "conflict") return framed(random, 409, '{"message":"conflict"}');
  if (end === "page") return framed(random, 200, PAGE);
  if (end === "admitted") return framed(random, 202, '{"message":"queued"}');
  if (end === "redirect") return framed(random, 302, PAGE, "Location: /elsewhere\r\n");
  return framed(random, random.pick(end === "gateway" ? GATEWAYS : REFUSALS), random.pick([PAGE, ""]));
}

/** What a lookup is told. Half of what is vague says less than is known, the other half nothing. */
export function lookupAnswer(random: Random, id: string, found: Charge | "none" | "full", isVague: boolean): string {
  if (found === "full") return framed(random, 429, "Too many requests");
  if (isVague && random.chance(0.5)) return framed(random, random.pick([500, 502, 503, 429, 404, 404, 404, 200]), PAGE);
  if (found === "none") return framed(random, 404, "");
  return framed(random, 200, isVague ? lessThan(random, id, found) : told(id, found, trimmed(found.requestedAtMs)));
}

export function healthAnswer(random: Random, answer: HealthAnswer | undefined): string {
  if (answer === undefined) return framed(random, 429, "");
  const body = JSON.stringify({ failing: answer.failing, minResponseTime: answer.minResponseMs });
  return framed(random, 200, body);
}

/** A server's farewell to a connection that was idle for too long. */
export function farewell(): string {
  return "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

/** Whether the connection is of no more use behind this answer. */
export function endsConnection(text: string): boolean {
  return text.includes("Connection: close\r\n");
}

function told(id: string, { cents }: Charge, requestedAt: string): string {
  return `{"correlationId":"${id}","amount":${formatCents(cents)},"requestedAt":"${requestedAt}"}`;
}

/** As the processors tell times: no zone, no zeros at the end. */
function trimmed(ms: number): string {
  return formatTimestamp(ms).replace(/\.?0*Z$/, "");
}

function lessThan(random: Random, id: string, charge: Charge): string {
  const time = formatTimestamp(charge.requestedAtMs);
  const whole = told(id, charge, time);
  return random.pick([
    told(id, charge, `${time.slice(0, 19)}Z`),
    told(id, charge, `${time.slice(0, 16)}Z`),
    `{"correlationId":"${id}","amount":${formatCents(charge.cents)}}`,
    `{"correlationId":"${id}","requestedAt":"${time}"}`,
    `{"correlationId":"${id}"}`,
    whole.slice(0, random.below(whole.length)),
    "{}",
  ]);
}

/** Any legal frame around a body. */
function framed(random: Random, status: number, body: string, fields = ""): string {
  const interim = random.chance(0.05) ? "HTTP/1.1 100 Continue\r\n\r\n" : "";
  const head = `${interim}HTTP/1.1 ${status} Status\r\n${fields}`;
  const how = random.below(10);
  if (how === 0) return `${head}Connection: close\r\n\r\n${body}`;
  if (how === 1) return `${head}content-length:${body.length}\r\nConnection: close\r\n\r\n${body}`;
  if (how > 5) return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  const cut = random.below(body.length + 1);
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunk(body.slice(0, cut))}${chunk(body.slice(cut))}0\r\n\r\n`;
}

function chunk(text: string): string {
  return text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`;
}
