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
import { AttributeKey, AttributeWriter } from "./attribute-writer.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";
import type { SpanLimits } from "./span-limits.ts";
import type { AttemptSpan, PaymentSpan, PollSpan, RequestSpan, SenderData, SpanMessage } from "./span-message.ts";
import { SpanTarget } from "./span-target.ts";

const METHOD = new AttributeKey(ATTR_HTTP_REQUEST_METHOD);
const STATUS = new AttributeKey(ATTR_HTTP_RESPONSE_STATUS_CODE);
const ROUTE = new AttributeKey(ATTR_HTTP_ROUTE);
const URL_PATH = new AttributeKey(ATTR_URL_PATH);
const URL_SCHEME = new AttributeKey(ATTR_URL_SCHEME);
const URL_FULL = new AttributeKey(ATTR_URL_FULL);
const CLIENT = new AttributeKey(ATTR_CLIENT_ADDRESS);
const SERVER = new AttributeKey(ATTR_SERVER_ADDRESS);
const SERVER_PORT = new AttributeKey(ATTR_SERVER_PORT);
const ERROR_TYPE = new AttributeKey(ATTR_ERROR_TYPE);
/** Not yet among the stable conventions. */
const URL_TEMPLATE = new AttributeKey("url.template");
const RESEND_COUNT = new AttributeKey("http.request.resend_count");
const CORRELATION_ID = new AttributeKey("payment.correlation_id");
const AMOUNT = new AttributeKey("payment.amount");
const PROCESSOR = new AttributeKey("payment.processor");
const OUTCOME = new AttributeKey("payment.outcome");
const STATE = new AttributeKey("payment.state");
const REQUESTED_AT = new AttributeKey("payment.requested_at");
const ATTEMPT_COUNT = new AttributeKey("payment.attempt_count");
/** What a processor says of itself; the time in milliseconds, as there. */
const FAILING = new AttributeKey("payment.processor.failing");
const MIN_RESPONSE_TIME = new AttributeKey("payment.processor.min_response_time");

/** Names and attributes of spans. */
export class SpanAttributes {
  readonly #field: number;
  readonly #targets: readonly SpanTarget[];
  readonly #countMax: number;
  readonly #writer: AttributeWriter;
  #count = 0;

  /** `field`: of the attributes in a span. */
  constructor(writer: ProtobufWriter, field: number, processors: SenderData["processors"], limits: SpanLimits) {
    this.#writer = new AttributeWriter(writer, limits.valueLengthMax);
    this.#field = field;
    this.#countMax = limits.attributeCountMax;
    this.#targets = processors.map(({ name, url }) => new SpanTarget(name, new URL(url)));
  }

  nameOf(span: SpanMessage): string {
    switch (span.what) {
      case "request":
        return `${span.method} ${span.route}`;
      case "payment":
        return "payment";
      case "attempt":
        return this.#targets[span.processor]!.attemptName(span.isLookup);
      case "poll":
        return this.#targets[span.processor]!.pollName;
    }
  }

  /** Returns how many were left out, because a span may not have more. */
  write(span: SpanMessage): number {
    this.#count = 0;
    switch (span.what) {
      case "request":
        this.#request(span);
        break;
      case "payment":
        this.#payment(span);
        break;
      case "attempt":
        this.#attempt(span, this.#targets[span.processor]!);
        break;
      case "poll":
        this.#poll(span, this.#targets[span.processor]!);
    }
    if (span.errorType !== "") this.#add(ERROR_TYPE, span.errorType);
    return Math.max(0, this.#count - this.#countMax);
  }

  #request(span: RequestSpan): void {
    this.#add(METHOD, span.method);
    this.#add(ROUTE, span.route);
    this.#add(URL_PATH, span.path);
    this.#add(URL_SCHEME, "http");
    if (span.client !== "") this.#add(CLIENT, span.client);
    if (span.outcome !== "") this.#paid(span);
    this.#status(span.status);
  }

  #payment(span: PaymentSpan): void {
    this.#paid(span);
    this.#add(ATTEMPT_COUNT, span.attemptCount);
    if (span.state !== "") this.#add(STATE, span.state);
    if (span.processor !== "") this.#add(PROCESSOR, span.processor);
  }

  #attempt(span: AttemptSpan, target: SpanTarget): void {
    this.#target(span.isLookup ? "GET" : "POST", target);
    this.#add(URL_FULL, span.isLookup ? `${target.paymentsUrl}/${span.correlationId}` : target.paymentsUrl);
    this.#add(URL_TEMPLATE, target.attemptTemplate(span.isLookup));
    this.#add(REQUESTED_AT, formatTimestamp(span.requestedAtMs));
    if (span.resendCount > 0) this.#add(RESEND_COUNT, span.resendCount);
    this.#paid(span);
    this.#status(span.status);
  }

  #poll({ status, result }: PollSpan, target: SpanTarget): void {
    this.#target("GET", target);
    this.#add(URL_FULL, target.pollUrl);
    this.#status(status);
    if (result === undefined) return;
    this.#add(FAILING, result.failing);
    this.#add(MIN_RESPONSE_TIME, result.minResponseMs);
  }

  #target(method: string, { name, hostname, port }: SpanTarget): void {
    this.#add(METHOD, method);
    this.#add(SERVER, hostname);
    this.#add(SERVER_PORT, port);
    this.#add(PROCESSOR, name);
  }

  /** The amount is in the currency's unit, as the API has it. */
  #paid({ correlationId, cents, outcome }: RequestSpan | PaymentSpan | AttemptSpan): void {
    this.#add(CORRELATION_ID, correlationId);
    this.#add(AMOUNT, cents / 100);
    if (outcome !== "") this.#add(OUTCOME, outcome);
  }

  #status(status: number): void {
    if (status > 0) this.#add(STATUS, status);
  }

  #add(key: AttributeKey, value: string | number | boolean): void {
    if (this.#count++ < this.#countMax) this.#writer.add(this.#field, key, value);
  }
}
