import { expect } from "chai";
import { CHECKPOINT, type JournalHeader, SEGMENT } from "../../../core/log/journal-header.ts";
import { type JournalFile, planRecovery } from "../../../core/log/recovery-plan.ts";

const EXPECTED = { partition: 1, partitionCount: 2, processors: ["cheap", "dear"] };
const HEADER = { ...EXPECTED, capacity: 0, epoch: 1, firstLsn: 0, createdAtMs: 0, boundMs: 0, followsDurable: true };

function file(
  kind: typeof SEGMENT | typeof CHECKPOINT,
  number: number,
  change: Partial<JournalHeader> = {},
): JournalFile {
  const header = { version: 2, headerBytes: 480, ...HEADER, kind, number, ...change };
  return { name: `${kind === SEGMENT ? "segment" : "checkpoint"}-${number}`, kind, number, bytes: 480, header };
}

const segment = (number: number, change?: Partial<JournalHeader>) => file(SEGMENT, number, change);
const checkpoint = (number: number, change?: Partial<JournalHeader>) => file(CHECKPOINT, number, change);
const blank = (found: JournalFile): JournalFile => ({ ...found, header: "blank" });
const broken = (found: JournalFile): JournalFile => ({
  ...found,
  header: { problem: "the header's checksum must agree" },
});

/** The plan in names, or the refusal; the order in which files are found must not matter. */
function plan(...files: JournalFile[]): unknown {
  const plans = [files, files.toReversed()].map((found) => {
    const result = planRecovery(found, EXPECTED);
    if (typeof result === "string") return result;
    return {
      checkpoint: result.checkpoint?.name,
      segments: result.segments.map(({ name }) => name),
      obsolete: result.obsolete.map(({ name }) => name).sort(),
      nextNumber: result.nextNumber,
    };
  });
  expect(plans[0]).to.deep.equal(plans[1]);
  return plans[0];
}

describe("recovery plan", () => {
  it("begins a new journal where there is none", () => {
    expect(plan()).to.deep.equal({ checkpoint: undefined, segments: [], obsolete: [], nextNumber: 1 });
  });

  it("reads all segments in order where there is no checkpoint", () => {
    expect(plan(segment(2), segment(10), ...[1, 3, 4, 5, 6, 7, 8, 9].map((n) => segment(n)))).to.deep.equal({
      checkpoint: undefined,
      segments: Array.from({ length: 10 }, (_, i) => `segment-${i + 1}`),
      obsolete: [],
      nextNumber: 11,
    });
  });

  it("reads the newest checkpoint and the segments from it on; the rest is obsolete", () => {
    expect(plan(checkpoint(3), checkpoint(5), segment(4), segment(5), segment(6))).to.deep.equal({
      checkpoint: "checkpoint-5",
      segments: ["segment-5", "segment-6"],
      obsolete: ["checkpoint-3", "segment-4"],
      nextNumber: 7,
    });
  });

  it("drops the newest segment when its header was not written, and uses its number again", () => {
    expect(plan(segment(1), blank(segment(2)))).to.deep.equal({
      checkpoint: undefined,
      segments: ["segment-1"],
      obsolete: ["segment-2"],
      nextNumber: 2,
    });
    expect(plan(blank(segment(1)))).to.deep.equal({
      checkpoint: undefined,
      segments: [],
      obsolete: ["segment-1"],
      nextNumber: 1,
    });
  });

  it("refuses when a segment is missing: first, in between, or after the checkpoint", () => {
    expect(plan(segment(2))).to.equal("no segment may be missing: number=1");
    expect(plan(segment(1), segment(3))).to.equal("no segment may be missing: number=2");
    expect(plan(checkpoint(4), segment(5))).to.equal("no segment may be missing: number=4");
    expect(plan(checkpoint(4), segment(3))).to.equal("the segment after a checkpoint must be there: number=4");
    expect(plan(blank(segment(2)))).to.equal("no segment may be missing: number=1");
    expect(plan(checkpoint(4), blank(segment(4)))).to.equal("the segment after a checkpoint must be there: number=4");
  });

  it("refuses when any other file's header is missing or damaged", () => {
    expect(plan(blank(segment(1)), segment(2))).to.equal(
      "every file but the newest segment has a header: file=segment-1",
    );
    expect(plan(segment(1), broken(segment(2)))).to.equal("the header's checksum must agree: file=segment-2");
    expect(plan(broken(checkpoint(2)), segment(2))).to.equal("the header's checksum must agree: file=checkpoint-2");
    expect(plan(blank(checkpoint(2)), segment(2))).to.match(/^every file but the newest segment has a header/);
  });

  it("does not look into what is obsolete anyway", () => {
    expect(plan(checkpoint(5), segment(5), broken(segment(4)), blank(checkpoint(2)))).to.deep.include({
      obsolete: ["checkpoint-2", "segment-4"],
      nextNumber: 6,
    });
  });

  it("refuses files under a wrong name, of another partition, or of another number of partitions", () => {
    expect(plan(segment(1, { number: 2 }))).to.equal("a file's name and header must agree: file=segment-1");
    expect(plan(segment(1, { kind: CHECKPOINT }))).to.equal("a file's name and header must agree: file=segment-1");
    const rule = "the journal belongs to another partition or another number of partitions";
    expect(plan(segment(1, { partition: 0 }))).to.equal(`${rule}: file=segment-1 partition=1 of 2`);
    expect(plan(segment(1), segment(2, { partitionCount: 3 }))).to.equal(`${rule}: file=segment-2 partition=2 of 3`);
  });

  it("takes files with other processors, or the same in another order: their records are translated by name", () => {
    const found = [segment(1, { processors: ["dear", "cheap"] }), segment(2, { processors: ["cheap"] })];
    expect(planRecovery(found, EXPECTED)).to.deep.include({ nextNumber: 3 });
  });

  it("takes the latest epoch, and refuses segments of a former carrier after those of a later one", () => {
    const found = [segment(1, { epoch: 0, version: 1 }), segment(2, { epoch: 4 }), segment(3, { epoch: 4 })];
    expect(planRecovery(found, EXPECTED)).to.deep.include({ epoch: 4, nextNumber: 4 });
    expect(planRecovery([], EXPECTED)).to.deep.include({ epoch: 0 });
    // A checkpoint may be begun by a later carrier than the segment it has the number of.
    expect(planRecovery([checkpoint(2, { epoch: 6 }), segment(2, { epoch: 5 })], EXPECTED)).to.deep.include({
      epoch: 6,
    });
    expect(plan(segment(1, { epoch: 3 }), segment(2, { epoch: 2 }))).to.equal(
      "epochs never go back: file=segment-2 epoch=2",
    );
  });
});
