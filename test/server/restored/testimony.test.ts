import { expect } from "chai";
import type { Testimony } from "../../../core/restored/past-verdict.ts";
import { type Remembered, testimonyOf } from "../../../server/restored/testimony.ts";
import type { Told } from "../../../server/sending/told-charge.ts";
import { NOON_MS } from "../../support/payments.ts";

const DAY_MS = 86_400_000;

/** Accepted a minute before the loss, and never sent as far as is known; asked about an hour later. */
const PAYMENT: Remembered = {
  cents: 1990,
  acceptedAtMs: NOON_MS - 60_000,
  sentAtMs: undefined,
  lostFromMs: NOON_MS,
  nowMs: NOON_MS + 3_600_000,
};
const SENT: Remembered = { ...PAYMENT, sentAtMs: NOON_MS - 59_000 };
/** Accepted after the loss: it may repeat a lost one. */
const NEWER: Remembered = { ...PAYMENT, acceptedAtMs: NOON_MS + 3_500_000 };

function told(requestedAtMs: number, cents = 1990, hasMore = false): Told {
  return { kind: "charge", charge: { cents, requestedAtMs, hasMore } };
}

function charged(requestedAtMs: number): Testimony {
  return { kind: "charged", requestedAtMs };
}

describe("testimony", () => {
  const rows: [string, Told, Remembered, Testimony][] = [
    ["404", { kind: "not found" }, PAYMENT, { kind: "absent" }],
    ["nothing", { kind: "not told" }, PAYMENT, { kind: "unknown" }],
    ["what cannot be read", { kind: "unreadable", problem: "" }, SENT, { kind: "unknown" }],
    ["another amount", told(NOON_MS, 1991), PAYMENT, { kind: "foreign" }],
    ["another amount at the time sent", told(NOON_MS - 59_000, 1991), SENT, { kind: "foreign" }],
    ["the time sent", told(NOON_MS - 59_000), SENT, charged(NOON_MS - 59_000)],
    ["the time sent, in whole seconds", told(NOON_MS - 60_000), SENT, charged(NOON_MS - 59_000)],
    ["another time than the one sent", told(NOON_MS + 5), SENT, charged(NOON_MS + 5)],
    ["a time after acceptance", told(NOON_MS - 59_999), PAYMENT, charged(NOON_MS - 59_999)],
    ["a time after the loss", told(NOON_MS + 1234), PAYMENT, charged(NOON_MS + 1234)],
    ["a time up to a second before acceptance", told(NOON_MS - 61_000), PAYMENT, charged(NOON_MS - 60_000)],
    ["a time long before acceptance", told(NOON_MS - 61_001), PAYMENT, { kind: "foreign" }],
    ["now", told(NOON_MS + 3_600_000), PAYMENT, charged(NOON_MS + 3_600_000)],
    ["a time in the future", told(NOON_MS + 3_600_001), PAYMENT, { kind: "unknown" }],
    [
      "a time longer after acceptance than any payment waits",
      told(NOON_MS + 50 * DAY_MS),
      PAYMENT,
      { kind: "foreign" },
    ],
    ["of a newer payment: a time among the lost records", told(NOON_MS + 1), NEWER, charged(NOON_MS + 1)],
    [
      "of a newer payment: a time just before acceptance",
      told(NOON_MS + 3_499_900),
      NEWER,
      charged(NOON_MS + 3_499_900),
    ],
    ["of a newer payment: a time before the lost records", told(NOON_MS - 1001), NEWER, { kind: "foreign" }],
    ["of a newer payment: the last second before them", told(NOON_MS - 1000), NEWER, charged(NOON_MS)],
    ["of a newer payment: the moment of the last of them", told(NOON_MS), NEWER, charged(NOON_MS)],
  ];
  for (const [what, answer, payment, testimony] of rows) {
    it(`takes ${what} for: ${testimony.kind}`, () => {
      expect(testimonyOf(answer, payment)).to.deep.equal(testimony);
    });
  }
});
