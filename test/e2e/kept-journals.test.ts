import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { inDirectory } from "../support/journal-life.ts";
import { expectAll, KEPT, keptVersions, tellingOf } from "./kept-payments.ts";
import { duringLife } from "./lone-instance.ts";
import { newPayment, pay, viewOf } from "./payments.ts";

const CLI = fileURLToPath(new URL("../../server/journal-cli/main.js", import.meta.url));
const VERSIONS = keptVersions("journals");

describe("journals that earlier releases have made", () => {
  it("are kept of one release at least", () => expect(VERSIONS).to.include("0.1.0"));

  for (const version of VERSIONS) {
    const telling = tellingOf(version, "journals");

    it(`start with all payments there, and go on: ${version}`, () =>
      inDirectory(async (directory) => {
        cpSync(join(KEPT, version, "journals", "data"), join(directory, "data"), { recursive: true });
        const more = newPayment();
        await duringLife(directory, {}, async (caller) => {
          await expectAll(caller, telling);
          expect((await pay(caller, more)).status).to.equal(202);
          const [known] = telling.payments;
          const again = { correlationId: known!.correlationId, cents: Math.round(known!.amount * 100) };
          expect((await pay(caller, again)).status).to.equal(200);
        });
        // What this release has added to it is read with it.
        await duringLife(directory, {}, async (caller) => {
          await expectAll(caller, telling);
          expect((await viewOf(caller, more)).amount).to.equal(19.9);
        });
      }));

    it(`are in every state as they were left: ${version}`, () => {
      const out = execFileSync(process.execPath, [CLI, "inspect", join(KEPT, version, "journals", "data")], {
        encoding: "utf8",
      });
      const counts = new Map<string, number>();
      for (const { state } of telling.payments) counts.set(state, (counts.get(state) ?? 0) + 1);
      for (const state of ["pending", "in doubt", "processed", "failed"]) {
        expect(counts.get(state), state).to.be.above(0);
        expect(out).to.contain(` ${state.replace(" ", "-")}=${counts.get(state)}`);
      }
      expect(out).to.contain(`kept=${telling.payments.length} `).and.to.contain("rows=").and.to.contain("evicted=");
    });
  }
});
