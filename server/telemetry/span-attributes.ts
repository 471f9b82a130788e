import type { Attributes } from "@opentelemetry/api";
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from "@opentelemetry/semantic-conventions";
import { formatTimestamp } from "../text/timestamp.ts";
import { portOf } from "../text/url-port.ts";
import type { AttemptSpan, PaymentSpan, PollSpan, RequestSpan } from "./span-message.ts";

const ATTR_CORRELATION_ID = "payment.correlation_id";
const ATTR_AMOUNT = "payment.amount";
const ATTR_PROCESSOR = "payment.processor";
const ATTR_OUTCOME = "payment.outcome";
const ATTR_STATE = "payment.state";
const ATTR_REQUESTED_AT = "payment.requested_at";
const ATTR_ATTEMPT_COUNT = "payment.attempt_count";
/** What a processor says of itself; the time in milliseconds, as there. */
const ATTR_FAILING = "payment.processor.failing";
const ATTR_MIN_RESPONSE_TIME = "payment.processor.min_response_time";
/** Not yet among the stable conventions. */
const ATTR_URL_TEMPLATE = "url.template";
const ATTR_RESEND_COUNT = "http.request.resend_count";

/** What is the same in all requests to a processor. */
export class SpanTarget {
  readonly name: string;
  readonly #origin: string;
  readonly #hostname: string;
  readonly #port: number;
  /** Where payments are posted. */
  readonly path: string;

  constructor(name: string, url: URL) {
    this.name = name;
    this.#origin = url.origin;
    this.#hostname = url.hostname;
    this.#port = portOf(url);
    this.path = `${url.pathname.replace(/\/$/, "")}/payments`;
  }

  attributes(method: string, path: string): Attributes {
    return {
      [ATTR_HTTP_REQUEST_METHOD]: method,
      [ATTR_URL_FULL]: this.#origin + path,
      [ATTR_SERVER_ADDRESS]: this.#hostname,
      [ATTR_SERVER_PORT]: this.#port,
      [ATTR_PROCESSOR]: this.name,
    };
  }
}

export function requestAttributes(span: RequestSpan): Attributes {
  const attributes: Attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: span.method,
    [ATTR_HTTP_ROUTE]: span.route,
    [ATTR_URL_PATH]: span.path,
    [ATTR_URL_SCHEME]: "http",
  };
  if (span.client !== "") attributes[ATTR_CLIENT_ADDRESS] = span.client;
  if (span.outcome !== "") addPayment(attributes, span);
  addStatus(attributes, span.status);
  return addError(attributes, span.errorType);
}

export function paymentAttributes(span: PaymentSpan): Attributes {
  const attributes: Attributes = {};
  addPayment(attributes, span);
  attributes[ATTR_ATTEMPT_COUNT] = span.attemptCount;
  if (span.state !== "") attributes[ATTR_STATE] = span.state;
  if (span.processor !== "") attributes[ATTR_PROCESSOR] = span.processor;
  return addError(attributes, span.errorType);
}

export function attemptAttributes(span: AttemptSpan, target: SpanTarget): Attributes {
  const path = span.isLookup ? `${target.path}/${span.correlationId}` : target.path;
  const attributes = target.attributes(span.isLookup ? "GET" : "POST", path);
  attributes[ATTR_URL_TEMPLATE] = attemptTemplate(span, target);
  attributes[ATTR_REQUESTED_AT] = formatTimestamp(span.requestedAtMs);
  if (span.resendCount > 0) attributes[ATTR_RESEND_COUNT] = span.resendCount;
  addPayment(attributes, span);
  addStatus(attributes, span.status);
  return addError(attributes, span.errorType);
}

export function attemptTemplate({ isLookup }: AttemptSpan, { path }: SpanTarget): string {
  return isLookup ? `${path}/{correlationId}` : path;
}

export function pollAttributes({ status, result, errorType }: PollSpan, target: SpanTarget): Attributes {
  const attributes = target.attributes("GET", pollPath(target));
  addStatus(attributes, status);
  if (result !== undefined) {
    attributes[ATTR_FAILING] = result.failing;
    attributes[ATTR_MIN_RESPONSE_TIME] = result.minResponseMs;
  }
  return addError(attributes, errorType);
}

export function pollPath({ path }: SpanTarget): string {
  return `${path}/service-health`;
}

/** The amount is in the currency's unit, as the API has it. `outcome` is "" while there is none. */
function addPayment(attributes: Attributes, span: { correlationId: string; cents: number; outcome: string }): void {
  attributes[ATTR_CORRELATION_ID] = span.correlationId;
  attributes[ATTR_AMOUNT] = span.cents / 100;
  if (span.outcome !== "") attributes[ATTR_OUTCOME] = span.outcome;
}

function addStatus(attributes: Attributes, status: number): void {
  if (status > 0) attributes[ATTR_HTTP_RESPONSE_STATUS_CODE] = status;
}

function addError(attributes: Attributes, errorType: string): Attributes {
  if (errorType !== "") attributes[ATTR_ERROR_TYPE] = errorType;
  return attributes;
}
