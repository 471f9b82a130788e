import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import { RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { REPOSITORY_ROOT } from "../../../perf/lab/repository.ts";
import type { Database } from "../../../server/lease/database.ts";
import { readStoreUrl } from "../../../server/postgres/store-url.ts";
import { check, isSound } from "../../../server/store-cli/check.ts";
import { readCommandLine } from "../../../server/store-cli/command-line.ts";
import { checkLines } from "../../../server/store-cli/report.ts";
import { appendOf, claimed, joined } from "../../support/database-contract.ts";
import { makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";

const URL = "postgres://me:secret@h/d";
const MAIN = join(REPOSITORY_ROOT, "build", "server", "store-cli", "main.js");

describe("store command line", () => {
  it("names a command and the store, by option or environment", () => {
    const target = readStoreUrl(URL);
    expect(readCommandLine(["init", "--partitions", "6"], { STORE_URL: URL })).to.deep.equal({
      ...{ command: "init", target, isJson: false, partitionCount: 6 },
    });
    expect(readCommandLine(["check", "--store", URL, "--json"], {})).to.deep.equal({
      ...{ command: "check", target, isJson: true },
    });
    expect(readCommandLine(["--help"], {})).to.equal("help");
  });

  for (const [args, rule] of [
    [[], /^the command must be one of init, check, import, restore: command=$/],
    [["drop"], /^the command must be one of init, check, import, restore: command=drop$/],
    [["check"], /^a store must be named, by --store or STORE_URL: store=$/],
    [["check", URL], /^check takes no more: more=postgres:\/\/\*\*\*@h\/d$/],
    [["check", "--partitions", "3"], /^partitions belong to init: partitions=3$/],
    [["import"], /^import takes the DATA_DIR of the journals: DIR=$/],
    [["restore", "--partitions", "3"], /^partitions belong to init: partitions=3$/],
    [["init", "--partitions", "0"], /^a store has 1 to 256 partitions: partitions=0$/],
    [["init", "--partitions", "257"], /^a store has 1 to 256 partitions: partitions=257$/],
    [["init", "--partitions", "x"], /^a store has 1 to 256 partitions: partitions=x$/],
    [["init", "--store", "mysql://h"], /^must be postgres:/],
  ] as [string[], RegExp][]) {
    it(`refuses ${args.join(" ") || "nothing"}`, () => {
      expect(() => readCommandLine(args, {})).to.throw(rule);
    });
  }
});

/** As an instance writes them. */
function sealed(lsn: number, count: number): Uint8Array {
  const batch = new RecordBatch(count);
  for (let i = 0; i < count; i++) batch.append(Kind.WATERMARK, 0, 1000 + lsn + i, 0, 0, 0);
  batch.seal(lsn);
  return batch.bytes.slice();
}

describe("the check of a store", () => {
  const server = usePostgres();
  const open = useDatabases();
  let database: Database;

  beforeEach(async () => {
    await makeStore(server());
    database = open(server().url);
    const { life } = await joined(database, 1);
    await claimed(database, 0, { life });
    for (const [lsn, count] of [
      [0, 3],
      [3, 2],
      [5, 4],
    ] as const)
      await database.append([{ ...appendOf(0, 1, lsn, count), records: sealed(lsn, count) }]);
  });

  const checked = () => check(readStoreUrl(server().url));

  it("finds a sound one sound, and shows who has what", async () => {
    const checkpoint = (await database.beginCheckpoint(0, 1, { lsn: 4, latestMs: 1 }))!;
    await database.putSlice(0, checkpoint, 0, sealed(0, 2));
    await database.putSlice(0, checkpoint, 1, sealed(2, 1));
    await database.finishCheckpoint(0, 1, checkpoint, { slices: 2, rows: 2 });
    const report = await checked();
    expect(isSound(report)).to.equal(true);
    expect(report.members).to.have.lengthOf(1);
    expect(report.members[0]).to.include({ number: 1, address: "tcp:10.0.0.2:8080" });
    expect(report.partitions).to.have.lengthOf(3);
    expect(report.partitions[0]).to.deep.include({
      ...{ number: 0, owner: 1, epoch: 1, chunkCount: 3, recordCount: 9, firstLsn: 0, problems: [] },
    });
    expect(report.partitions[1]).to.deep.include({ owner: undefined, epoch: 0, chunkCount: 0, firstLsn: undefined });
    const lines = checkLines(report);
    expect(lines.find((line) => line.startsWith("instance 2:"))).to.match(
      /tcp:10\.0\.0\.2:8080, renewed \d+\.\d s ago/,
    );
    expect(lines.join("\n")).to.match(/^ +1 +2 +1 +9 +1000 +4 +2 +3 {2}sound$/m);
  });

  it("says that a carrier is gone", async () => {
    await server().query("DELETE FROM rinha.member");
    expect((await checked()).partitions[0]).to.include({ owner: "gone" });
  });

  it("can be done of a store whose instance died months ago", async () => {
    await server().query("UPDATE rinha.member SET renewed_at = now() - interval '100 days'");
    expect((await checked()).members[0]!.renewedAgoMs).to.be.within(100 * 86_400_000 - 1, 100 * 86_400_000 + 60_000);
  });

  it("says which partition is halted, and why", async () => {
    await database.halt({ partition: 0, since: 1 }, "the store must have what it acknowledged: partition=1");
    const report = await checked();
    expect(isSound(report)).to.equal(false);
    expect(checkLines(report)).to.include("HALTED: the store must have what it acknowledged: partition=1");
  });

  for (const [what, sql, problem] of [
    ["a chunk that is missing", "DELETE FROM rinha.chunk WHERE first_lsn = 3", "records are missing: lsn=5 expected=3"],
    ["the first chunk missing", "DELETE FROM rinha.chunk WHERE first_lsn = 0", "records are missing: lsn=0 first=3"],
    ["the last chunk missing", "DELETE FROM rinha.chunk WHERE first_lsn = 5", "before its head: end=5 head=9"],
    ["a head that is behind", "UPDATE rinha.partition SET head = 5 WHERE number = 0", "behind its head: end=9 head=5"],
    ["chunks that overlap", "UPDATE rinha.chunk SET first_lsn = 2 WHERE first_lsn = 3", "overlap: lsn=2 expected=3"],
    ["an epoch that goes back", "UPDATE rinha.chunk SET epoch = 2 WHERE first_lsn = 0", "lsn=3 epoch=1 before=2"],
    ["processors that nobody knows", "DELETE FROM rinha.carriage", "must be known: epoch=1"],
    [
      "a record that was changed",
      "UPDATE rinha.chunk SET records = set_byte(records, 60, 77) WHERE first_lsn = 5",
      "a record is not as it was written: lsn=6",
    ],
    [
      "a record that was cut off",
      "UPDATE rinha.chunk SET records = substring(records FOR 100) WHERE first_lsn = 0",
      "a chunk has 48 bytes a record: lsn=0 records=3 bytes=100",
    ],
  ] as const) {
    it(`finds ${what}`, async () => {
      await server().query(sql);
      const report = await checked();
      expect(isSound(report)).to.equal(false);
      expect(report.partitions[0]!.problems.join("\n")).to.include(problem);
      expect(checkLines(report).join("\n")).to.include("DAMAGED: partition=1 ");
    });
  }

  it("finds a checkpoint that was changed", async () => {
    const checkpoint = (await database.beginCheckpoint(0, 1, { lsn: 9, latestMs: 1 }))!;
    await database.putSlice(0, checkpoint, 0, sealed(0, 2));
    await database.putSlice(0, checkpoint, 1, sealed(0, 2));
    await database.finishCheckpoint(0, 1, checkpoint, { slices: 2, rows: 2 });
    const [partition] = (await checked()).partitions;
    expect(partition!.problems).to.deep.equal([`a record is not as it was written: checkpoint=${checkpoint} record=2`]);
  });

  it("is done by the command, whose exit code tells", async () => {
    const run = (args: string[], store = server().url) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
        ...{ encoding: "utf8", env: { ...process.env, STORE_URL: store }, timeout: 30_000 },
      });
      return { status, stdout, stderr };
    };
    expect(run(["init"]))
      .to.include({ status: 0, stderr: "" })
      .with.property("stdout")
      .that.includes("3 partitions");
    expect(run(["init", "--partitions", "4"])).to.include({ status: 1 });
    expect(run(["check"])).to.include({ status: 0, stderr: "" });
    expect(run(["restore"]), "its member renews no more")
      .to.include({ status: 0 })
      .with.property("stdout")
      .that.matches(/^instances that are started now look up what is not settled\n *partition .* may be lost from/);
    expect(run(["check"]).stdout)
      .to.include("no members")
      .and.include("sound, restored");
    expect(run(["import", "/nowhere"]))
      .to.include({ status: 1 })
      .with.property("stdout")
      .that.includes("REFUSED: there must be journals");
    await server().query("UPDATE rinha.partition SET head = 5 WHERE number = 0");
    const { status, stdout } = run(["check", "--json"]);
    expect(status).to.equal(1);
    expect(JSON.parse(stdout)).to.include({ isSound: false });
    expect(run(["check"], "postgres://me:secret@127.0.0.1:1/d"))
      .to.include({ status: 2, stdout: "" })
      .with.property("stderr")
      .that.includes("127.0.0.1:1=ECONNREFUSED")
      .and.not.includes("secret");
  });
});
