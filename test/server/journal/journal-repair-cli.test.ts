import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { HEADER_BYTES } from "../../../core/log/journal-header.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { WATERMARK_STEP_MS } from "../../../core/log/watermark-bound.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { formatUuid } from "../../../core/values/uuid.ts";
import { type RunningProcessor, startProcessor } from "../../../perf/processor/processor.ts";
import { Journal } from "../../../server/journal/journal.ts";
import { RestoredMarkFile } from "../../../server/journal/restored-mark-file.ts";
import type { Repaired } from "../../../server/journal-cli/repair/repair-report.ts";
import { DirectoryLock } from "../../../server/system/directory-lock.ts";
import {
  contentsOf,
  directoryOf,
  inDirectory,
  NEW_JOURNAL,
  OWNER,
  restart,
  unexpected,
} from "../../support/journal-life.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { DEFAULT, FALLBACK } from "../../support/terms.ts";

const MAIN = fileURLToPath(new URL("../../../server/journal-cli/main.js", import.meta.url));
const id = (n: number): string => formatUuid(uuid(n));
const time = (ms: number): string => new Date(NOON_MS + ms).toISOString();

type Run = { code: number; out: string; errors: string };

function run(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env: { ...process.env, CAPACITY: "64" } }, (error, out, errors) => {
      resolve({ code: error ? Number(error.code) : 0, out, errors });
    });
  });
}

/**
 * Payments 0 to 6, of 1.00 each. Before the damage at record 11: 0 is processed, 1 is being sent, 2 is in doubt, 3 to 5
 * are pending. It takes the acceptance of 6. After it, 4 is processed at a time that nobody knows, 6 is sent, and 7 is
 * accepted.
 */
const DAMAGED_LSN = 11;

function damagedJournal(path: string): void {
  const batch = new RecordBatch(64);
  const directory = directoryOf(path);
  directory.make(false);
  const journal = new Journal(directory, NEW_JOURNAL, {
    ...OWNER,
    segmentBytes: 1 << 30,
    capacity: 0,
    syncsSegments: false,
    nowMs: () => NOON_MS,
    onBroken: unexpected,
  });
  const accept = (n: number, atMs: number) => batch.appendAccepted(n, NOON_MS + atMs, uuid(n), 0, 100);
  const write = (kind: number, n: number, atMs: number, processor: number, outcome = Outcome.NONE, elapsedMs = 0) =>
    batch.append(kind, n, NOON_MS + atMs, processor, outcome, elapsedMs);
  for (const n of [0, 1, 2]) accept(n, n);
  for (const n of [0, 1, 2]) write(Kind.SENDING, n, 10 + n, DEFAULT);
  write(Kind.PROCESSED, 0, 20, DEFAULT, Outcome.CHARGED, 10);
  write(Kind.DOUBTED, 2, 22, DEFAULT, Outcome.TIMED_OUT, 10);
  for (const n of [3, 4, 5]) accept(n, 20 + n);
  accept(6, 30);
  write(Kind.PROCESSED, 4, 60, FALLBACK, Outcome.CHARGED, 15);
  write(Kind.SENDING, 6, 61, FALLBACK);
  accept(7, 70);
  if (journal.append(batch)) throw new Error("the journal must be written");
  journal.close();
  const file = join(path, "segment-0000000001.journal");
  const bytes = readFileSync(file);
  bytes[HEADER_BYTES + DAMAGED_LSN * RECORD_BYTES + 30]! ^= 1;
  writeFileSync(file, bytes);
}

describe("journal command: repair", () => {
  let processors: Record<"default" | "fallback", RunningProcessor>;
  let asking: string[];

  beforeEach(async () => {
    processors = { default: await startProcessor(), fallback: await startProcessor() };
    asking = ["--processor", `default=${processors.default.url}`, "--processor", `fallback=${processors.fallback.url}`];
  });

  afterEach(() => {
    processors.default.close();
    processors.fallback.close();
  });

  async function charge(role: "default" | "fallback", n: number, atMs: number, amount = 1): Promise<void> {
    const { status } = await fetch(`${processors[role].url}/payments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ correlationId: id(n), amount, requestedAt: time(atMs) }),
    });
    expect(status).to.equal(200);
  }

  async function repairJson(path: string, out: string, ...more: string[]): Promise<{ report: Repaired; code: number }> {
    const { code, out: text, errors } = await run("repair", path, "--out", out, "--json", ...more);
    expect(errors).to.equal("");
    return { report: (JSON.parse(text) as Repaired[])[0]!, code };
  }

  const summaryOf = ({ payments }: Repaired): unknown =>
    Object.fromEntries(
      payments.map(({ sequence, written, processor, requestedAt }) => [sequence, [written, processor, requestedAt]]),
    );

  it("writes what both processors prove, and nothing else", () =>
    inDirectory(async (path) => {
      const damaged = join(path, "damaged");
      damagedJournal(damaged);
      await charge("default", 1, 11);
      await charge("fallback", 3, 44);
      await charge("fallback", 4, 45);
      const before = contentsOf(damaged);
      const { report, code } = await repairJson(damaged, join(path, "new"), ...asking);
      expect(code).to.equal(1);
      expect(contentsOf(damaged)).to.deep.equal(before);
      expect(summaryOf(report)).to.deep.equal({
        1: ["processed", "default", time(11)],
        2: ["in doubt", "default", time(12)],
        3: ["processed", "fallback", time(44)],
        4: ["processed", "fallback", time(45)],
        5: ["pending", null, null],
      });
      const lastKnown = `sending, fallback, ${time(61)}`;
      expect(report.lost).to.deep.equal([{ fromSequence: 6, toSequence: 6, lastKnown }]);
      const { ledger } = restart(join(path, "new"));
      const totals = new Float64Array(4);
      ledger.sum(NOON_MS + 10, NOON_MS + 45, totals);
      expect([...totals]).to.deep.equal([2, 200, 2, 200]);
      expect([ledger.size, ledger.find(uuid(7)), ledger.find(uuid(6))]).to.deep.equal([7, 6, -1]);
      expect(new RestoredMarkFile(join(path, "new")).read()).to.deep.equal({
        lostFromMs: NOON_MS + 25 - WATERMARK_STEP_MS,
        sinceMs: undefined,
      });
    }));

  it("takes nothing for proven that one processor did not tell", () =>
    inDirectory(async (path) => {
      damagedJournal(join(path, "damaged"));
      for (const n of [1, 3, 4]) await charge("fallback", n, 46);
      const { report } = await repairJson(join(path, "damaged"), join(path, "new"), ...asking.slice(2));
      expect(summaryOf(report)).to.deep.equal({
        1: ["in doubt", "default", time(11)],
        2: ["in doubt", "default", time(12)],
        3: ["pending", null, null],
        4: ["in doubt", "fallback", time(45)],
        5: ["pending", null, null],
      });
      expect(report.payments[0]!.told).to.deep.equal({ default: "not asked", fallback: `charged 1.00, ${time(46)}` });
      expect(report.payments[3]!.log).to.equal("charged at fallback, at an unknown time");
    }));

  it("takes another amount for another's, and names what is charged twice", () =>
    inDirectory(async (path) => {
      damagedJournal(join(path, "damaged"));
      await charge("default", 3, 44, 2);
      await charge("default", 5, 48);
      await charge("fallback", 5, 47);
      const { report } = await repairJson(join(path, "damaged"), join(path, "new"), ...asking);
      const [, , three, , five] = report.payments;
      expect([three!.written, three!.told["default"]]).to.deep.equal(["pending", `charged 2.00, ${time(44)}`]);
      expect(five).to.include({
        written: "processed",
        processor: "fallback",
        requestedAt: time(47),
        chargedTwice: true,
      });
    }));

  it("prints a table for people", () =>
    inDirectory(async (path) => {
      damagedJournal(join(path, "damaged"));
      await charge("fallback", 3, 44);
      const { out } = await run("repair", join(path, "damaged"), "--out", join(path, "new"), ...asking);
      expect(out).to.include(`repaired into ${join(path, "new")}: payments=7`);
      expect(out).to.include("damage    segment-0000000001.journal: records are damaged: offset=");
      expect(out).to.match(/lost {6}sequence=6: sending, fallback, /);
      expect(out).to.match(/\nsequence {2}correlationId +amount +the log +default +fallback +written\n/);
      expect(out).to.match(
        /\n +3 {2}\S{36} +1\.00 +pending +not found +charged 1\.00, \S+ +processed at fallback, \S+\n/,
      );
    }));

  it("has nothing to do where nothing is damaged", () =>
    inDirectory(async (path) => {
      directoryOf(join(path, "sound")).make(false);
      const { code, out } = await run("repair", join(path, "sound"), "--out", join(path, "new"));
      expect(out).to.equal(`${join(path, "sound")}: nothing is damaged, nothing is written: payments=0\n`);
      expect([code, existsSync(join(path, "new"))]).to.deep.equal([0, false]);
    }));

  it("refuses a journal in use, a place that is taken, and wrong arguments, in one line", () =>
    inDirectory(async (path) => {
      const damaged = join(path, "damaged");
      damagedJournal(damaged);
      mkdirSync(join(path, "taken", "something"), { recursive: true });
      const lock = await DirectoryLock.take(damaged);
      const used = await run("repair", damaged, "--out", join(path, "new"));
      await lock.release();
      expect(used.errors).to.include("the directory is in use by another process");
      const refusals: [string[], string][] = [
        [["--out", join(path, "taken")], "the new journal needs a directory of its own, empty or not there"],
        [["--out", join(damaged, "new")], "the new journal goes somewhere else"],
        [["--out", damaged], "the new journal goes somewhere else"],
        [[], "repair, and nothing else, needs --out: --out="],
        [
          ["--out", join(path, "new"), "--processor", "x=http://a"],
          "the journal knows default, fallback: --processor=x",
        ],
        [
          ["--out", join(path, "new"), "--processor", "default=ftp://a"],
          "a processor is named once, at an http or https URL",
        ],
      ];
      for (const [args, message] of refusals) {
        const { code, errors } = await run("repair", damaged, ...args);
        expect(errors).to.include(message);
        expect([errors.split("\n").length, code]).to.deep.equal([2, 2]);
      }
      expect([used.code, existsSync(join(path, "new"))]).to.deep.equal([2, false]);
    }));
});
