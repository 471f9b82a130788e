import { expect } from "chai";
import fc from "fast-check";
import { correlationIdText, readCorrelationId } from "../../perf/processor/correlation-id.ts";
import { bindPayment } from "../../perf/processor/payment-body.ts";
import { dateTimeText, readTimestampUs } from "../../perf/processor/timestamp.ts";

const good = {
  correlationId: "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3",
  amount: 19.9,
  requestedAt: "2025-07-15T12:34:56.000Z",
};

describe("processor body binding", () => {
  it("takes a payment, in any letter case and with the amount in quotes", () => {
    const us = Date.UTC(2025, 6, 15, 12, 34, 56) * 1000;
    const bodies = [
      JSON.stringify(good),
      JSON.stringify({ ...good, amount: "19.90", more: [1] }),
      JSON.stringify({ CorrelationID: good.correlationId.toUpperCase(), AMOUNT: 19.9, requestedat: good.requestedAt }),
    ];
    for (const body of bodies) {
      const bound = bindPayment(body);
      if (typeof bound === "string") throw new Error(bound);
      expect(correlationIdText(bound.id)).to.equal(good.correlationId);
      expect(bound.amountCents).to.equal(1990);
      expect(bound.requestedAtUs).to.equal(us);
    }
  });

  it("names the rule and the field it refuses", () => {
    const without = (name: keyof typeof good) => JSON.stringify({ ...good, [name]: undefined });
    const cases: [string, string][] = [
      ["", "body must be a JSON object"],
      ["[]", "body must be a JSON object"],
      ["null", "body must be a JSON object"],
      ["{", "body must be a JSON object"],
      [without("correlationId"), "correlationId must be a UUID: correlationId=missing"],
      [without("amount"), "amount must be a number within bounds: amount=missing"],
      [without("requestedAt"), "requestedAt must be an ISO 8601 timestamp: requestedAt=missing"],
      [JSON.stringify({ ...good, correlationId: "x" }), 'correlationId must be a UUID: correlationId="x"'],
      [JSON.stringify({ ...good, amount: null }), "amount must be a number within bounds: amount=null"],
      [JSON.stringify({ ...good, amount: true }), "amount must be a number within bounds: amount=true"],
      [JSON.stringify({ ...good, requestedAt: 17 }), "requestedAt must be an ISO 8601 timestamp: requestedAt=17"],
    ];
    for (const [body, rule] of cases) expect(bindPayment(body)).to.equal(rule);
  });

  it("reads a UUID in any case into the same words, and nothing that is not one", () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(correlationIdText(readCorrelationId(uuid)!)).to.equal(uuid.toLowerCase());
        expect(correlationIdText(readCorrelationId(uuid.toUpperCase())!)).to.equal(uuid.toLowerCase());
      }),
    );
    const id = good.correlationId;
    for (const text of [
      id.slice(1),
      `${id}0`,
      id.replaceAll("-", ""),
      id.replace("4", "g"),
      id.replace("-", "0"),
      id.replace("4", "é"),
    ]) {
      expect(readCorrelationId(text), text).to.equal(undefined);
    }
  });
});

describe("processor timestamps", () => {
  it("keeps microseconds and cuts off what is finer", () => {
    const us = Date.UTC(2025, 6, 15, 12, 34, 56, 123) * 1000;
    expect(readTimestampUs("2025-07-15T12:34:56.123Z")).to.equal(us);
    expect(readTimestampUs("2025-07-15T12:34:56.123456789Z")).to.equal(us + 456);
    expect(dateTimeText(us + 456)).to.equal("2025-07-15T12:34:56.123456");
    expect(dateTimeText(us + 7)).to.equal("2025-07-15T12:34:56.123007");
    expect(dateTimeText(-1)).to.equal("1969-12-31T23:59:59.999999");
  });

  it("are told without a zone and without zeros at the end, as .NET writes a DateTime of unspecified kind", () => {
    const us = Date.UTC(2025, 6, 15, 12, 34, 50) * 1000;
    expect(dateTimeText(us)).to.equal("2025-07-15T12:34:50");
    expect(dateTimeText(us + 120_000)).to.equal("2025-07-15T12:34:50.12");
    expect(dateTimeText(us + 100_000)).to.equal("2025-07-15T12:34:50.1");
    expect(dateTimeText(us + 1000)).to.equal("2025-07-15T12:34:50.001");
    expect(dateTimeText(us + 10)).to.equal("2025-07-15T12:34:50.00001");
    expect(dateTimeText(Date.UTC(2025, 9, 10, 0, 0, 0) * 1000)).to.equal("2025-10-10T00:00:00");
  });

  it("takes a timestamp without a zone as UTC, and offsets as what they are", () => {
    const us = Date.UTC(2025, 0, 1, 1, 1, 6) * 1000;
    for (const text of [
      "2025-01-01T01:01:06",
      "2025-01-01T01:01:06Z",
      "2024-12-31T22:01:06-03:00",
      "2025-01-01T06:31:06.0+05:30",
    ]) {
      expect(readTimestampUs(text), text).to.equal(us);
    }
    expect(readTimestampUs("2025-01-01")).to.equal(Date.UTC(2025, 0, 1) * 1000);
    expect(readTimestampUs("2025-01-01T02:03")).to.equal(Date.UTC(2025, 0, 1, 2, 3) * 1000);
  });

  it("agrees with Date on every millisecond", () => {
    fc.assert(
      fc.property(
        fc.date({ noInvalidDate: true, min: new Date("1700-01-01"), max: new Date("2250-01-01") }),
        (date) => {
          expect(readTimestampUs(date.toISOString())).to.equal(date.getTime() * 1000);
          expect(readTimestampUs(dateTimeText(date.getTime() * 1000))).to.equal(date.getTime() * 1000);
        },
      ),
    );
  });

  it("refuses what is no date", () => {
    const texts = ["", "now", "1752582896", "2025-02-30T00:00:00Z", "2025-13-01T00:00:00Z", "2025-00-01", "2025-01-00"];
    texts.push("2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z", "2025-01-01T00:00:60Z", "2025-01-01 00:00:00Z");
    texts.push("2025-01-01T00:00:00.Z", "2025-01-01T00:00:00+15:00", "2025-1-1T00:00:00Z", "2025-01-01Z");
    for (const text of texts) expect(readTimestampUs(text), text).to.equal(undefined);
  });
});
