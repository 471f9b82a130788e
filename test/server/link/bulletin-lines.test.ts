import { expect } from "chai";
import { MAX_PARTITIONS } from "../../../core/values/payment-id.ts";
import { BulletinLines, bulletinOf, LINE_BYTES_MAX, saysTheSame } from "../../../server/link/bulletin-lines.ts";
import type { Bulletin, Carriage } from "../../../server/partition/neighbours.ts";

const CARRIAGE: Carriage = { partition: 3, epoch: 7, state: "carried", sinceMs: 1_752_000_000_000 };
const BULLETIN: Bulletin = { instance: 1, life: "a", upMs: 12, isLeaving: false, carries: [CARRIAGE] };

function linesOf(pieces: readonly Buffer[]): (string | undefined)[] {
  const lines = new BulletinLines();
  return pieces.map((piece) => lines.take(piece)!.line);
}

describe("a stream of bulletins", () => {
  it("is cut into lines wherever its pieces are cut", () => {
    const stream = Buffer.from("é1\né22\né333\n");
    for (let cut = 0; cut <= stream.length; cut++) {
      const last = linesOf([stream.subarray(0, cut), stream.subarray(cut)]).findLast((line) => line !== undefined);
      expect(last, `cut=${cut}`).to.equal("é333");
    }
    const byByte = linesOf(Array.from(stream, (byte) => Buffer.of(byte)));
    expect(byByte.filter((line) => line !== undefined)).to.deep.equal(["é1", "é22", "é333"]);
  });

  it("counts for what it said last where much of it comes at once", () => {
    expect(linesOf([Buffer.from("1\n2\n3\n4"), Buffer.from("4\n")])).to.deep.equal(["3", "44"]);
    expect(linesOf([Buffer.from("\n"), Buffer.from("\n\n")])).to.deep.equal(["", ""]);
  });

  it("has no line without an end", () => {
    const full = Buffer.alloc(LINE_BYTES_MAX, "x");
    const lines = new BulletinLines();
    expect(lines.take(full)).to.deep.equal({ line: undefined });
    expect(lines.take(Buffer.from("\n"))?.line).to.have.length(LINE_BYTES_MAX);
    expect(lines.take(full)).to.deep.equal({ line: undefined });
    expect(lines.take(Buffer.from("x"))).to.equal(undefined);
    expect(new BulletinLines().take(Buffer.alloc(LINE_BYTES_MAX + 2, "x").fill("\n", LINE_BYTES_MAX + 1))).to.equal(
      undefined,
    );
  });

  it("has room for an instance that carries every partition there can be", () => {
    const carries = Array.from({ length: MAX_PARTITIONS }, (_, partition) => {
      return { partition, epoch: 4_000_000_000, state: "adopting" as const, sinceMs: 1_752_000_000_000.5 };
    });
    const line = JSON.stringify({ ...BULLETIN, carries });
    expect(line.length).to.be.below(LINE_BYTES_MAX);
    expect(bulletinOf(line, 1)).to.deep.equal({ ...BULLETIN, carries });
  });
});

describe("a bulletin", () => {
  const read = (value: unknown): Bulletin | undefined => bulletinOf(JSON.stringify(value), 1);

  it("is taken as far as this release knows it", () => {
    expect(read({ ...BULLETIN, more: 1, carries: [{ ...CARRIAGE, more: 1 }] })).to.deep.equal(BULLETIN);
    expect(read({ ...BULLETIN, carries: [] })).to.deep.equal({ ...BULLETIN, carries: [] });
  });

  it("is believed only where it has the shape of one of this very instance", () => {
    const numbers = ["1", null, undefined, -1, {}];
    const wrong: unknown[] = [
      ...[0, 2, "1", null, undefined].map((instance) => ({ ...BULLETIN, instance })),
      ...[1, null, undefined, "", "x".repeat(65), {}].map((life) => ({ ...BULLETIN, life })),
      ...numbers.map((upMs) => ({ ...BULLETIN, upMs })),
      ...[0, null, undefined, "false"].map((isLeaving) => ({ ...BULLETIN, isLeaving })),
      ...[null, undefined, {}, "[]", 1].map((carries) => ({ ...BULLETIN, carries })),
      ...[...numbers, 0.5, 256].map((partition) => ({ ...BULLETIN, carries: [{ ...CARRIAGE, partition }] })),
      ...[...numbers, 0.5].map((epoch) => ({ ...BULLETIN, carries: [{ ...CARRIAGE, epoch }] })),
      ...["", "Carried", 1, null, undefined].map((state) => ({ ...BULLETIN, carries: [{ ...CARRIAGE, state }] })),
      ...numbers.map((sinceMs) => ({ ...BULLETIN, carries: [{ ...CARRIAGE, sinceMs }] })),
      ...[null, 1, [], "x"].map((carriage) => ({ ...BULLETIN, carries: [CARRIAGE, carriage] })),
      { ...BULLETIN, carries: [CARRIAGE, { ...CARRIAGE, epoch: 8 }] },
      null,
      [],
      [BULLETIN],
      "x",
    ];
    for (const value of wrong) expect(read(value), JSON.stringify(value)).to.equal(undefined);
    const line = JSON.stringify(BULLETIN);
    for (let length = 0; length < line.length; length++)
      expect(bulletinOf(line.slice(0, length), 1), `length=${length}`).to.equal(undefined);
  });

  it("is news when it says anything but that the instance has been up for longer", () => {
    expect(saysTheSame(BULLETIN, { ...BULLETIN, upMs: 13 })).to.equal(true);
    const news: Partial<Bulletin>[] = [
      { life: "b" },
      { isLeaving: true },
      { carries: [] },
      { carries: [{ ...CARRIAGE, state: "leaving" }] },
      { carries: [{ ...CARRIAGE, epoch: 8 }] },
    ];
    for (const what of news) expect(saysTheSame(BULLETIN, { ...BULLETIN, ...what })).to.equal(false);
  });
});
