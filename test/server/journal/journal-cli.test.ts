import { execFile } from "node:child_process";
import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { DirectoryLock } from "../../../server/system/directory-lock.ts";
import { contentsOf, inDirectory, JournalLife, OWNER } from "../../support/journal-life.ts";
import { Random } from "../../support/random.ts";

const MAIN = fileURLToPath(new URL("../../../server/journal-cli/main.js", import.meta.url));

type Run = { code: number; out: string; errors: string };

function run(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, out, errors) => {
      resolve({ code: error ? Number(error.code) : 0, out, errors });
    });
  });
}

/** A checkpoint and two segments, ten payments, one of them processed. */
function journal(path: string): JournalLife {
  const life = new JournalLife(path, new Random(1));
  for (let i = 0; i < 8; i++) life.accept();
  life.write();
  life.rotate();
  life.checkpointNow();
  life.process(10);
  life.write();
  life.rotate();
  life.accept();
  life.accept();
  life.write();
  life.close();
  return life;
}

describe("journal command", () => {
  it("verify says that the instance would start, and changes nothing", () =>
    inDirectory(async (path) => {
      journal(path);
      const before = contentsOf(path);
      const { code, out } = await run("verify", path);
      expect(out).to.equal(`${path}: starts: payments=10 nextLsn=12 nextSegment=4\n`);
      expect(code).to.equal(0);
      expect(contentsOf(path)).to.deep.equal(before);
    }));

  it("verify tells of a torn end, which it leaves", () =>
    inDirectory(async (path) => {
      journal(path);
      appendFileSync(join(path, "segment-0000000003.journal"), "torn");
      const before = contentsOf(path);
      const { code, out } = await run("verify", path);
      expect(out).to.include(
        "starts after cutting off an end that was never acknowledged: file=segment-0000000003.journal bytes=4: " +
          "payments=10",
      );
      expect(code).to.equal(0);
      expect(contentsOf(path)).to.deep.equal(before);
    }));

  it("verify says why the journal is refused", () =>
    inDirectory(async (path) => {
      journal(path);
      rmSync(join(path, "segment-0000000002.journal"));
      const { code, out } = await run("verify", path);
      expect(out).to.include("refused: no segment may be missing: number=2");
      expect(code).to.equal(1);
    }));

  it("verify refuses what does not fit, or belongs elsewhere", () =>
    inDirectory(async (path) => {
      journal(path);
      const small = await run("verify", path, "--capacity", "9");
      expect(small.out).to.include("refused: the journal's payments must fit CAPACITY: capacity=9");
      const other = await run("verify", path, "--partitions", "3");
      expect(other.out).to.include("belongs to another partition or another number of partitions");
      expect([small.code, other.code]).to.deep.equal([1, 1]);
    }));

  it("looks at every partition's folder of a DATA_DIR, expecting its own in each, by its former name too", () =>
    inDirectory(async (path) => {
      new JournalLife(join(path, "partition-1"), new Random(1)).close();
      const second = { ...OWNER, partition: 1 };
      new JournalLife(join(path, "instance-2"), new Random(1), { expected: second }).close();
      const well = await run("verify", path);
      expect(well.out.split("\n").filter((line) => line.includes("starts: payments=0"))).to.have.length(2);
      expect(well.code).to.equal(0);
      renameSync(join(path, "partition-1"), join(path, "aside"));
      renameSync(join(path, "instance-2"), join(path, "partition-1"));
      const swapped = await run("verify", path);
      expect(swapped.out).to.include("belongs to another partition");
      expect(swapped.code).to.equal(1);
    }));

  it("shows for how many payments the carrier had room, and has as much itself", () =>
    inDirectory(async (path) => {
      const life = new JournalLife(path, new Random(1), { toldCapacity: 64 });
      for (let i = 0; i < 20; i++) life.accept();
      life.write();
      life.close();
      expect((await run("verify", path, "--capacity", "9")).out).to.include("starts: payments=20");
      const { out } = await run("inspect", path);
      expect(out).to.match(/file +bytes +records +rest +partition +first LSN +created +room +processors/);
      expect(out).to.match(/segment-0000000001\.journal .*Z +64 +default fallback/);
    }));

  it("says when the journal is in use", () =>
    inDirectory(async (path) => {
      journal(path);
      const lock = await DirectoryLock.take(path);
      try {
        expect((await run("verify", path)).out).to.include("in use: its end may be still being written");
      } finally {
        await lock.release();
      }
      expect((await run("verify", path)).out).not.to.include("in use");
    }));

  it("inspect shows files, counts, states, times, numbers and bytes", () =>
    inDirectory(async (path) => {
      journal(path);
      const { code, out } = await run("inspect", path);
      expect(code).to.equal(0);
      expect(out).to.match(/checkpoint-0000000002\.journal +1008 +11 +0 +1 of 2 +8 +2025-07-15T12:00:00\.000Z/);
      expect(out).to.match(/segment-0000000003\.journal +576 +2 +0 +1 of 2 +10 /);
      expect(out).to.include("records   accepted=2 sending=1 processed=1 slice=3 rows=8");
      expect(out).to.include("log       LSN 8 to 11");
      expect(out).to.include("times     2025-07-15T12:00:00.010Z to 2025-07-15T12:00:00.020Z");
      expect(out).to.include("payments  kept=10 pending=9 processed=1");
      expect(out).to.include("bytes     total=2160 perKeptPayment=216.0 rowsInCheckpoints=8");
      expect(out).to.include("verdict   starts: payments=10");
    }));

  it("inspect shows the records one a line, within the limit", () =>
    inDirectory(async (path) => {
      journal(path);
      const all = await run("inspect", path, "--records");
      expect(all.out).to.include("slice fromSequence=0 asOfLsn=8 rows=7");
      expect(all.out).to.match(
        /row sequence=7 state="pending" acceptedAt=2025-07-15T12:00:00\.000Z correlationId=[0-9a-f-]{36} amount=/,
      );
      expect(all.out).to.include("8 sending sequence=0 at=2025-07-15T12:00:00.010Z processor=default");
      expect(all.out).to.include(
        '9 processed sequence=0 at=2025-07-15T12:00:00.020Z processor=default outcome="charged"',
      );
      expect(all.out).to.match(/\n11 accepted sequence=9 at=\S+ correlationId=\S+ amount=\d+\.\d\d\n/);
      const few = await run("inspect", path, "--records", "--from", "9", "--limit", "2");
      expect(few.out).to.match(/\n9 processed .*\n.*\n10 accepted .*\n… at most 2 records/);
      expect(few.out).not.to.match(/\n8 sending|\n11 accepted|row sequence/);
    }));

  it("inspect shows a damaged journal as far as it can be read", () =>
    inDirectory(async (path) => {
      journal(path);
      const second = join(path, "segment-0000000002.journal");
      const bytes = readFileSync(second);
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(second, bytes);
      truncateSync(join(path, "segment-0000000003.journal"), 10);
      const { code, out } = await run("inspect", path);
      expect(code).to.equal(0);
      expect(out).to.match(/segment-0000000002\.journal +576 +1 +48 /);
      expect(out).to.match(/segment-0000000003\.journal +10 +0 +10 +- +- +no header/);
      expect(out).to.include("payments  unknown: the journal cannot be replayed");
      expect(out).to.include("verdict   refused: a record is damaged that may have been acknowledged");
    }));

  it("explains itself, and wrong arguments in one line", async () => {
    expect((await run("--help")).out).to.include("inspect DIR");
    for (const [args, message] of [
      [[], "the command must be inspect, verify, repair or set-clock: command="],
      [["verify"], "a directory must be named: DIR="],
      [["verify", "/nowhere/at/all"], "no such directory: DIR=/nowhere/at/all"],
      [["inspect", "/", "--limit", "x"], `limit must be from 0 to ${Number.MAX_SAFE_INTEGER}: limit=x`],
    ] as [string[], string][]) {
      const { code, errors } = await run(...args);
      expect(errors).to.equal(`${message}\n`);
      expect(code).to.equal(2);
    }
  });

  it("tells programs what it tells people", () =>
    inDirectory(async (path) => {
      journal(path);
      const { code, out } = await run("verify", path, "--json");
      const [verdict] = JSON.parse(out) as Record<string, unknown>[];
      expect(code).to.equal(0);
      expect(verdict).to.deep.equal({
        directory: path,
        isInUse: false,
        starts: true,
        tornEnd: null,
        nextLsn: 12,
        nextSegment: 4,
        payments: {
          kept: 10,
          states: { pending: 9, sending: 0, "in doubt": 0, processed: 1, failed: 0 },
          processors: { default: 1, fallback: 0 },
        },
      });
      const inspected = JSON.parse((await run("inspect", path, "--json")).out) as {
        files: Record<string, unknown>[];
      }[];
      const { files, ...rest } = inspected[0]!;
      expect(rest).to.deep.equal(verdict);
      expect(files.map(({ kind, firstLsn, records }) => [kind, firstLsn, records])).to.deep.include(["segment", 10, 2]);
      expect(files[0]).to.include({ kind: "checkpoint", partition: 1, partitions: 2 });
      rmSync(join(path, "segment-0000000002.journal"));
      const refused = await run("verify", path, "--json");
      expect(refused.code).to.equal(1);
      expect((JSON.parse(refused.out) as { why: string }[])[0]!.why).to.contain("no segment may be missing: number=2");
      const mixed = await run("inspect", path, "--json", "--records");
      expect(mixed).to.deep.equal({ code: 2, out: "", errors: "json goes with no records: --json=true\n" });
    }));
});
