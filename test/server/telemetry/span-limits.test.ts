import { expect } from "chai";
import { readSpanLimits } from "../../../server/telemetry/span-limits.ts";

const NAMES = ["ATTRIBUTE_VALUE_LENGTH_LIMIT", "ATTRIBUTE_COUNT_LIMIT", "EVENT_COUNT_LIMIT", "LINK_COUNT_LIMIT"];
const VARIABLES = NAMES.flatMap((name) => [`OTEL_${name}`, `OTEL_SPAN_${name}`]);

describe("limits of spans", () => {
  afterEach(() => {
    for (const name of VARIABLES) delete process.env[name];
  });

  it("are the standard's, unless its variables say otherwise; those for spans have the last word", () => {
    const standard = { valueLengthMax: Number.POSITIVE_INFINITY, attributeCountMax: 128, eventCountMax: 128 };
    expect(readSpanLimits()).to.deep.equal({ ...standard, linkCountMax: 128 });
    process.env["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"] = "20";
    process.env["OTEL_ATTRIBUTE_COUNT_LIMIT"] = "9";
    process.env["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"] = "7";
    process.env["OTEL_SPAN_EVENT_COUNT_LIMIT"] = "1";
    process.env["OTEL_SPAN_LINK_COUNT_LIMIT"] = "0";
    const limits = { valueLengthMax: 20, attributeCountMax: 7, eventCountMax: 1, linkCountMax: 0 };
    expect(readSpanLimits()).to.deep.equal(limits);
  });
});
