import { expect } from "chai";
import fc from "fast-check";
import {
  acceptedAtMsOfPaymentId,
  encodePaymentId,
  MAX_PARTITIONS,
  MAX_SEQUENCE,
  partitionOfPaymentId,
  sequenceOfPaymentId,
} from "../../../core/values/payment-id.ts";
import { formatUuid, UUID_WORDS } from "../../../core/values/uuid.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { forAll } from "../../support/random.ts";

const MAX_AT_MS = 2 ** 48 - 1;

function paymentId(atMs: number, sequence: number, instance: number, correlationId = uuid(1)): Int32Array {
  const id = new Int32Array(UUID_WORDS);
  encodePaymentId(id, atMs, sequence, instance, correlationId, 0);
  return id;
}

const places = fc.record({
  atMs: fc.oneof(fc.integer({ min: 0, max: MAX_AT_MS }), fc.constantFrom(0, 0xffff, 0x10000, NOON_MS, MAX_AT_MS)),
  sequence: fc.oneof(
    fc.integer({ min: 0, max: MAX_SEQUENCE }),
    fc.constantFrom(0, 2 ** 28 - 1, 2 ** 28, 2 ** 32, MAX_SEQUENCE),
  ),
  instance: fc.integer({ min: 0, max: MAX_PARTITIONS - 1 }),
  correlationId: fc.int32Array({ minLength: 4, maxLength: 4 }),
});

describe("payment id", () => {
  it("is a UUIDv7 that begins with the time of acceptance", () => {
    const text = formatUuid(paymentId(0x0198_0d5c_1e2f, 5, 3));
    expect(text).to.match(/^01980d5c-1e2f-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("carries time, sequence and instance to their last bit, whatever the correlationId", () => {
    forAll(places, ({ atMs, sequence, instance, correlationId }) => {
      const id = paymentId(atMs, sequence, instance, correlationId);
      expect(formatUuid(id)).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect([acceptedAtMsOfPaymentId(id), sequenceOfPaymentId(id), partitionOfPaymentId(id)]).to.deep.equal([
        atMs,
        sequence,
        instance,
      ]);
    });
  });

  it("sorts by time and, within a millisecond, by sequence", () => {
    forAll(fc.tuple(places, places), ([one, two]) => {
      const [a, b] = [one, two].map((p) => formatUuid(paymentId(p.atMs, p.sequence, 1, p.correlationId)));
      const order = Math.sign(one.atMs - two.atMs) || Math.sign(one.sequence - two.sequence);
      if (order !== 0) expect(a! < b!).to.equal(order < 0);
    });
    const within = [0, 1, 2 ** 28 - 1, 2 ** 28, MAX_SEQUENCE].map((n) => formatUuid(paymentId(NOON_MS, n, 0, uuid(n))));
    expect([...within].sort()).to.deep.equal(within);
  });

  it("depends on the correlationId in its 26 check bits, and nowhere else", () => {
    const checked = [0, 0, 3, 0xffffff];
    const plain = paymentId(NOON_MS, 123_456_789_012, 200, uuid(0)).map((word, i) => word & ~checked[i]!);
    const checks = new Set<string>();
    for (let n = 0; n < 1000; n++) {
      const id = paymentId(NOON_MS, 123_456_789_012, 200, uuid(n));
      expect(id.map((word, i) => word & ~checked[i]!)).to.deep.equal(plain);
      checks.add(`${id[2]! & 3} ${id[3]! & 0xffffff}`);
    }
    expect(checks.size).to.be.above(990);
    expect(new Set([...checks].map((check) => check[0])).size).to.equal(4);
  });

  it("takes the correlationId from where it stands", () => {
    const id = new Int32Array(UUID_WORDS);
    encodePaymentId(id, NOON_MS, 9, 1, Int32Array.of(5, 5, ...uuid(7), 5), 2);
    expect(id).to.deep.equal(paymentId(NOON_MS, 9, 1, uuid(7)));
  });
});
