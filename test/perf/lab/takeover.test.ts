import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readArguments } from "../../../perf/command/command-line.ts";
import type { Aftermath } from "../../../perf/lab/takeover/aftermath.ts";
import { TAKEOVER_COMMAND } from "../../../perf/lab/takeover/command-line.ts";
import type { BooksDifferences } from "../../../perf/lab/takeover/exact-books.ts";
import { injuryOf } from "../../../perf/lab/takeover/injury.ts";
import { firstChoiceOf } from "../../../perf/lab/takeover/owner.ts";
import { allPairs, ownerOf } from "../../e2e/nginx-harness.ts";
import { medianOf, runAndRead } from "./saved-run.ts";

const SMALL = ["--rate", "100", "--payments-kept", "100", "--every", "1"];

type Details = { statuses: Record<string, number>; aftermaths: Aftermath[]; differences: BooksDifferences };

describe("takeover campaign", function () {
  this.timeout(120_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-takeover-test-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it("hurts one instance after the other, counts every answer, and audits to the cent", async () => {
    const { result } = await runAndRead(folder, "takeover/main.js", "--how", "kill", "--kills", "2", ...SMALL);
    const { statuses, aftermaths, differences } = result.details as Details;
    expect(aftermaths.map(({ how, instances }) => [how, instances])).to.deep.equal([
      ["kill", [1]],
      ["kill", [2]],
    ]);
    for (const { paymentCount, longestMs, hit, other } of aftermaths) {
      expect(paymentCount).to.be.at.least(100);
      expect(longestMs).to.be.above(0);
      expect(hit.p99BeforeMs).to.be.above(0);
      expect(other.p99DuringMs).to.be.above(0);
    }
    expect(statuses["202"]).to.be.at.least(500);
    expect(differences.examples).to.deep.equal([]);
    expect(medianOf(result, "differences in the audit")).to.equal(0);
    expect(medianOf(result, "summaries with a part missing")).to.equal(0);
  });

  it("stops one and lets it go on: nothing is charged twice", async () => {
    const { result } = await runAndRead(folder, "takeover/main.js", "--how", "stop", "--kills", "1", ...SMALL);
    const { aftermaths, differences } = result.details as Details;
    expect(aftermaths[0]!.healedAfterMs).to.be.within(900, 5000);
    expect(differences.examples).to.deep.equal([]);
  });

  it("knows whom nginx asks first", () => {
    for (const pair of allPairs)
      expect(firstChoiceOf(`0b4eaf30-9e5e-4e0c-8b6a-3d1c5f7a90${pair}`)).to.equal(ownerOf(pair) + 1);
  });

  it("has a turn for each instance, and now and then both", () => {
    const injuries = Array.from({ length: 18 }, (_, i) => injuryOf("mixed", i, 1000));
    expect(new Set(injuries.map(({ how }) => how))).to.deep.equal(new Set(["kill", "term", "stop", "rolling", "both"]));
    expect(injuries.filter(({ instances }) => instances.length === 2).length).to.equal(4);
    expect(new Set(injuries.flatMap(({ instances }) => instances))).to.deep.equal(new Set([1, 2]));
  });

  it("says what is wrong with its arguments", () => {
    expect(() => readArguments(TAKEOVER_COMMAND, ["--how", "hit"])).to.throw("how must be one of kill, term,");
    expect(() => readArguments(TAKEOVER_COMMAND, ["--kills", "0"])).to.throw("kills must be a whole number from 1");
  });
});
