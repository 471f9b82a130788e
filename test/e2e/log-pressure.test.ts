import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPayment, payMany } from "./payments.ts";
import { residentMb } from "./process-resources.ts";
import { metricValue } from "./prometheus-text.ts";
import { scrape } from "./scrape.ts";
import { until } from "./until.ts";

/** How the instance's standard output is made, and how it is read at last. */
type Reader = {
  stdio: number | "pipe";
  read(child: ChildProcess, onText: (text: string) => void): void;
  close(): void;
};

describe("a log that nobody reads", () => {
  let directory: string;
  let child: ChildProcess | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "rinha-log-"));
  });

  afterEach(async () => {
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  });

  /** A pipe, as a shell and Docker make it. The reading end is open, so that writing is not refused. */
  function pipe(): Reader {
    const path = join(directory, "log");
    execFileSync("mkfifo", [path]);
    const readable = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writable = openSync(path, constants.O_WRONLY);
    return {
      stdio: writable,
      read: (_child, onText) => {
        const own = openSync(path, constants.O_RDONLY);
        const reader = spawn("cat", [], { stdio: [own, "pipe", "ignore"] });
        closeSync(own);
        reader.stdout!.on("data", (chunk: Buffer) => onText(chunk.toString()));
      },
      close: () => {
        closeSync(readable);
        closeSync(writable);
      },
    };
  }

  /** A socket, as Node.js makes for its children: npm start. */
  function socket(): Reader {
    return {
      stdio: "pipe",
      read: (reading, onText) => reading.stdout!.on("data", (chunk: Buffer) => onText(chunk.toString())),
      close() {},
    };
  }

  /** An instance that writes two lines for every payment, at least. */
  async function start(stdout: Reader["stdio"]): Promise<{ running: ChildProcess; caller: Caller }> {
    const started = await startLoneInstance(directory, stdout, { LOG_LEVEL: "debug" });
    child = started.child;
    return { running: child, caller: new Caller({ socketPath: started.socketPath }) };
  }

  for (const [kind, make] of Object.entries({ pipe, socket })) {
    it(`costs lines and nothing else (${kind}), and is told of once it is read again`, async () => {
      const reader = make();
      const { running, caller } = await start(reader.stdio);
      try {
        const memoryBeforeMb = residentMb(running.pid!);
        let dropped = 0;
        let acceptedCount = 0;
        let slowestMs = 0;
        while (dropped < 2000) {
          const beganAtMs = performance.now();
          await payMany(
            caller,
            Array.from({ length: 200 }, () => newPayment()),
          );
          slowestMs = Math.max(slowestMs, performance.now() - beganAtMs);
          acceptedCount += 200;
          dropped = metricValue(await scrape(caller), "rinha_log_lines_dropped_total");
        }
        expect(slowestMs, "200 payments at once").to.be.below(5000);
        expect(residentMb(running.pid!) - memoryBeforeMb).to.be.below(40);
        expect(metricValue(await scrape(caller), "rinha_payments_accepted_total")).to.equal(acceptedCount);

        let text = "";
        reader.read(running, (more) => {
          text += more;
        });
        await until("the loss is told", () => text.includes("log lines were dropped"));
        const told = [...text.matchAll(/"count":(\d+),"msg":"log lines were dropped/g)].map(([, count]) =>
          Number(count),
        );
        expect(told.reduce((sum, count) => sum + count, 0)).to.be.at.least(dropped);
      } finally {
        caller.close();
        reader.close();
      }
    });

    it(`does not keep the instance from ending (${kind})`, async () => {
      const reader = make();
      const { running, caller } = await start(reader.stdio);
      while (metricValue(await scrape(caller), "rinha_log_lines_dropped_total") === 0) {
        await payMany(
          caller,
          Array.from({ length: 200 }, () => newPayment()),
        );
      }
      caller.close();
      const beganAtMs = performance.now();
      running.kill("SIGTERM");
      expect(await once(running, "exit")).to.deep.equal([0, null]);
      expect(performance.now() - beganAtMs).to.be.below(5000);
      reader.close();
    });
  }
});
