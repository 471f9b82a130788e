import { expect } from "chai";
import fc from "fast-check";
import { formatCents } from "../../core/money.ts";
import { judgeTold, readTold, type ToldVerdict } from "../../server/processor/told-charge.ts";
import { forAll } from "../core/random.ts";

const ID = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const REQUESTED_AT = "2025-07-15T12:34:56.789Z";
const REQUESTED_AT_MS = Date.UTC(2025, 6, 15, 12, 34, 56, 789);
const SENT = { cents: 1990, requestedAtMs: REQUESTED_AT_MS, acceptedAtMs: REQUESTED_AT_MS };

/** The answer that processors give, with some members replaced; undefined leaves one out. */
function told(members: Record<string, unknown>): string {
  return JSON.stringify({ correlationId: ID, amount: 19.9, requestedAt: REQUESTED_AT, ...members });
}

function withAmount(text: string): string {
  return `{"correlationId":"${ID}","amount":${text},"requestedAt":"${REQUESTED_AT}"}`;
}

describe("told charge", () => {
  const rows: [string, number, string, ToldVerdict][] = [
    ["the payment as sent", 200, told({}), "found"],
    ["members that are not needed", 200, told({ id: 7, fee: { amount: 1 } }), "found"],
    ["404", 404, "", "not found"],
    ["404 with a body", 404, told({}), "not found"],

    ["another status with the payment", 500, told({}), "not told"],
    ["201 with the payment", 201, told({}), "not told"],
    ["no status at all", 0, "", "not told"],
    ["nothing", 200, "", "not told"],
    ["a page", 200, "<html>welcome</html>", "not told"],
    ["half of the answer", 200, told({}).slice(0, 40), "not told"],
    ["a list", 200, `[${told({})}]`, "not told"],
    ["null", 200, "null", "not told"],

    ["an empty object", 200, "{}", "unreadable"],
    ["no id", 200, told({ correlationId: undefined }), "unreadable"],
    ["an id that is a number", 200, told({ correlationId: 4 }), "unreadable"],
    ["another id", 200, told({ correlationId: ID.replace("4a", "4b") }), "unreadable"],
    ["the id in upper case", 200, told({ correlationId: ID.toUpperCase() }), "found"],

    ["no amount", 200, told({ amount: undefined }), "unreadable"],
    ["null as amount", 200, told({ amount: null }), "unreadable"],
    ["a word as amount", 200, told({ amount: "much" }), "unreadable"],
    ["an amount with a currency", 200, told({ amount: "R$ 19.90" }), "unreadable"],
    ["an amount with a comma", 200, told({ amount: "19,90" }), "unreadable"],
    ["an empty amount", 200, told({ amount: "" }), "unreadable"],
    ["a lone point", 200, told({ amount: "." }), "unreadable"],
    ["the amount as text", 200, told({ amount: "19.90" }), "found"],
    ["the amount as text with spaces", 200, told({ amount: " 19.9 " }), "found"],
    ["the amount with a sign", 200, told({ amount: "+19.90" }), "found"],
    ["more decimals of the same amount", 200, withAmount("19.9000"), "found"],
    ["the amount with an exponent", 200, withAmount("1.99e1"), "found"],
    ["the amount with a negative exponent", 200, withAmount("1990E-2"), "found"],
    ["the amount as a float keeps it", 200, withAmount("19.899999618530273"), "found"],
    ["one cent more", 200, told({ amount: 19.91 }), "foreign"],
    ["one cent less, as text", 200, told({ amount: "19.89" }), "foreign"],
    ["the amount in cents", 200, told({ amount: 1990 }), "foreign"],
    ["the amount taken back", 200, told({ amount: -19.9 }), "foreign"],
    ["no money", 200, told({ amount: 0 }), "foreign"],
    ["more than there is", 200, withAmount("1e400"), "foreign"],
    ["two amounts, of which the last counts", 200, withAmount('1,"amount":19.90'), "found"],

    ["no time", 200, told({ requestedAt: undefined }), "unreadable"],
    ["a time that is a number", 200, told({ requestedAt: REQUESTED_AT_MS }), "unreadable"],
    ["a word as time", 200, told({ requestedAt: "noon" }), "unreadable"],
    ["a day that is none", 200, told({ requestedAt: "2025-02-30T12:34:56Z" }), "unreadable"],
    ["a date alone", 200, told({ requestedAt: "2025-07-15" }), "unreadable"],
    ["a time in minutes", 200, told({ requestedAt: "2025-07-15T12:34Z" }), "unreadable"],
    ["a time in minutes with an offset", 200, told({ requestedAt: "2025-07-15T15:34+03:00" }), "unreadable"],
    ["no zone", 200, told({ requestedAt: "2025-07-15T12:34:56.789" }), "found"],
    ["an offset", 200, told({ requestedAt: "2025-07-15T09:34:56.789-03:00" }), "found"],
    ["a space for the T", 200, told({ requestedAt: "2025-07-15 12:34:56.789" }), "found"],
    ["microseconds", 200, told({ requestedAt: "2025-07-15T12:34:56.789000Z" }), "found"],
    ["tenths, cut", 200, told({ requestedAt: "2025-07-15T12:34:56.7" }), "found"],
    ["seconds, cut", 200, told({ requestedAt: "2025-07-15T12:34:56Z" }), "found"],
    ["seconds, rounded", 200, told({ requestedAt: "2025-07-15T12:34:57Z" }), "found"],
    ["a second earlier", 200, told({ requestedAt: "2025-07-15T12:34:55.789Z" }), "found"],
    ["a second later", 200, told({ requestedAt: "2025-07-15T12:34:57.789Z" }), "found"],
    ["a little more than a second earlier", 200, told({ requestedAt: "2025-07-15T12:34:55.788999Z" }), "foreign"],
    ["a little more than a second later", 200, told({ requestedAt: "2025-07-15T12:34:57.789001Z" }), "disputed"],
    ["another amount a little later", 200, told({ amount: 7, requestedAt: "2025-07-15T12:34:59Z" }), "foreign"],
    ["a page that says 404", 404, "<html>not here</html>", "not told"],
    ["404 with a problem", 404, '{"title":"Not Found"}', "not found"],
    ["another hour", 200, told({ requestedAt: "2025-07-15T12:34:56.789+03:00" }), "foreign"],
  ];
  for (const [what, status, body, verdict] of rows) {
    it(`${what} is ${verdict}`, () => {
      expect(judgeTold(readTold(status, body, ID), SENT)).to.equal(verdict);
    });
  }

  it("can be had without anything it is expected to be", () => {
    const body = told({ amount: "7", requestedAt: "2025-07-15T12:34:56.78912" });
    const charge = { cents: 700, requestedAtMs: REQUESTED_AT_MS, hasMore: true };
    expect(readTold(200, body, ID)).to.deep.equal({ kind: "charge", charge });
  });

  it("says what cannot be read, in one line", () => {
    expect(readTold(200, told({ amount: "19,90" }), ID)).to.deep.equal({
      kind: "unreadable",
      problem: 'amount must be a decimal number: amount="19,90"',
    });
    const long = readTold(200, told({ requestedAt: "x".repeat(1000) }), ID);
    expect(long.kind === "unreadable" && long.problem.length).to.be.below(120);
  });

  const telling = fc.record({
    cents: fc.integer({ min: 1, max: 100_000_000 }),
    toldCents: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 100_000_000 })),
    offMs: fc.integer({ min: -3000, max: 3000 }),
    unitMs: fc.constantFrom(1, 10, 100, 1000),
    rounds: fc.boolean(),
    isText: fc.boolean(),
    trailing: fc.constantFrom("", "0", "000"),
    zone: fc.constantFrom("Z", "", "+00:00"),
    separator: fc.constantFrom("T", " "),
    isUpperCase: fc.boolean(),
  });

  it("is ours exactly when the amount is equal and the time is within a second, however it is told", () => {
    forAll(telling, (how) => {
      const cents = how.toldCents ?? how.cents;
      const exactMs = REQUESTED_AT_MS + how.offMs;
      const toldMs = (how.rounds ? Math.round(exactMs / how.unitMs) : Math.floor(exactMs / how.unitMs)) * how.unitMs;
      const time = new Date(toldMs)
        .toISOString()
        .replace("T", how.separator)
        .replace(/\.?0*Z$/, how.zone);
      const amount = `${formatCents(cents)}${how.trailing}`;
      const id = how.isUpperCase ? ID.toUpperCase() : ID;
      const body = `{"requestedAt":"${time}","amount":${how.isText ? `"${amount}"` : amount},"correlationId":"${id}"}`;
      const isOurs = cents === how.cents && Math.abs(toldMs - REQUESTED_AT_MS) <= 1000;
      const sent = { cents: how.cents, requestedAtMs: REQUESTED_AT_MS, acceptedAtMs: REQUESTED_AT_MS };
      const isLater = cents === how.cents && toldMs > REQUESTED_AT_MS;
      expect(judgeTold(readTold(200, body, ID), sent)).to.equal(isOurs ? "found" : isLater ? "disputed" : "foreign");
    });
  });

  it("takes any body without throwing, and none without both amount and time for a charge", () => {
    const member = fc.oneof(fc.string(), fc.double(), fc.constant(null), fc.constant(ID), fc.constant(REQUESTED_AT));
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ correlationId: member, amount: member }).map((members) => JSON.stringify(members)),
    );
    forAll(fc.record({ status: fc.constantFrom(200, 204, 500), body }), ({ status, body: text }) => {
      expect(readTold(status, text, ID).kind).to.be.oneOf(["unreadable", "not told"]);
    });
  });
});
