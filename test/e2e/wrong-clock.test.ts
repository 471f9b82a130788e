import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { INSTANCE_MAIN } from "../../perf/launch/plans.ts";
import { inDirectory, JournalLife, OWNER } from "../support/journal-life.ts";
import { NOON_MS } from "../support/payments.ts";
import { Random } from "../support/random.ts";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPayment, pay } from "./payments.ts";

const CLI = fileURLToPath(new URL("../../bundle/server/journal-cli/main.js", import.meta.url));
const WRONG_MS = Date.UTC(2098, 0, 1);

/** Payments that were accepted while the clock was decades ahead. */
function makeJournal(dataDir: string): void {
  const life = new JournalLife(join(dataDir, "partition-1"), new Random(1), {
    expected: { ...OWNER, partitionCount: 1 },
  });
  life.wait(WRONG_MS - NOON_MS);
  life.accept();
  life.accept();
  life.processNewest(10);
  life.write();
  life.close();
}

/** What a start that must fail says. */
async function failedStart(directory: string): Promise<string> {
  const env = { LISTEN: `unix:${join(directory, "refused.sock")}`, DATA_DIR: join(directory, "data") };
  const child = spawn(process.execPath, [INSTANCE_MAIN], { env, stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  const [code] = await once(child, "close");
  expect(code).to.equal(1);
  return out;
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

describe("a journal from a time when the clock was wrong", function () {
  this.timeout(30_000);

  it("is refused with a way out, and then used at the right time", () =>
    inDirectory(async (directory) => {
      const data = join(directory, "data");
      makeJournal(data);
      const said = await failedStart(directory);
      expect(said).to.include("cannot start: the journal's latest time may be at most 24 h ahead of the clock");
      expect(said).to.include(`npm run journal -- set-clock ${join(data, "partition-1")}`);
      await new Promise<void>((resolve, reject) => {
        execFile(process.execPath, [CLI, "set-clock", data], (error) => (error ? reject(error) : resolve()));
      });
      const { child, socketPath } = await startLoneInstance(directory, "ignore", { LOG_LEVEL: "silent" });
      const caller = new Caller({ socketPath });
      try {
        expect((await pay(caller, newPayment())).status).to.equal(202);
        const summary = await caller.get("/payments-summary");
        expect(JSON.parse(summary.body).default.totalRequests).to.equal(1);
        const settledUntilMs = Date.parse(String(summary.headers["settled-until"]));
        expect(Math.abs(settledUntilMs - Date.now())).to.be.below(60_000);
      } finally {
        caller.close();
        await end(child);
      }
    }));
});
