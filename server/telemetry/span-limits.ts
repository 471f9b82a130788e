import { getNumberFromEnv } from "@opentelemetry/core";

const COUNT_MAX = 128;

/** How much of a span is sent. */
export type SpanLimits = {
  readonly valueLengthMax: number;
  readonly attributeCountMax: number;
  readonly eventCountMax: number;
  readonly linkCountMax: number;
};

/** As the SDK reads them, by the variables of the process. */
export function readSpanLimits(): SpanLimits {
  const either = (limit: string): number | undefined =>
    getNumberFromEnv(`OTEL_SPAN_${limit}`) ?? getNumberFromEnv(`OTEL_${limit}`);
  return {
    valueLengthMax: either("ATTRIBUTE_VALUE_LENGTH_LIMIT") ?? Number.POSITIVE_INFINITY,
    attributeCountMax: either("ATTRIBUTE_COUNT_LIMIT") ?? COUNT_MAX,
    eventCountMax: getNumberFromEnv("OTEL_SPAN_EVENT_COUNT_LIMIT") ?? COUNT_MAX,
    linkCountMax: getNumberFromEnv("OTEL_SPAN_LINK_COUNT_LIMIT") ?? COUNT_MAX,
  };
}
