import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import { type Answer, Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPaymentOf, type Payment, pay, untilState } from "./payments.ts";
import { until } from "./until.ts";

const HELD_DISK = fileURLToPath(new URL("./held-disk.js", import.meta.url));
/** Far longer than any answer takes that waits for nothing. */
const HELD_MS = 400;
const DELAY_MS = 300;

/** All in the same partition: what waits for its journal, or is not in it, concerns no other. */
const newPaymentInOne = (): Payment => newPaymentOf(1);

describe("answers and the records they rest on", () => {
  let folder: string;
  let processor: RunningProcessor;
  let child: ChildProcess;
  let caller: Caller;

  const syncsHeld = (): string => join(folder, "held");
  const diskFull = (): string => join(folder, "full");

  async function start(durability: string): Promise<void> {
    const env = {
      DEFAULT_PROCESSOR_URL: processor.url,
      DURABILITY: durability,
      LOG_LEVEL: "silent",
      NODE_OPTIONS: `--import ${HELD_DISK}`,
      HELD_DISK_SYNC: syncsHeld(),
      HELD_DISK_FULL: diskFull(),
    };
    const started = await startLoneInstance(folder, "ignore", env);
    child = started.child;
    caller = new Caller({ socketPath: started.socketPath });
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-safe-"));
    processor = await startProcessor({ fee: 0.05 });
  });

  afterEach(async () => {
    caller?.close();
    processor.close();
    if (child.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true });
  });

  const look = ({ correlationId }: Payment): Promise<Answer> => caller.get(`/payments/${correlationId}`);
  const stateIn = ({ body }: Answer): string => (JSON.parse(body) as { state: string }).state;

  /** Accepts a payment whose charge comes while what is done to the disk by then has its effect. */
  async function chargedWhile(spoilDisk: () => void): Promise<Payment> {
    processor.settings.delayMs = DELAY_MS;
    const payment = newPaymentInOne();
    expect((await pay(caller, payment)).status).to.equal(202);
    await untilState(caller, [payment], "sending");
    spoilDisk();
    await until("it is charged", () => processor.charges.count === 1);
    await sleep(DELAY_MS);
    return payment;
  }

  it("wait for the sync, whatever they say, and are all there after it", async () => {
    await start("fsync");
    const known = newPaymentInOne();
    expect((await pay(caller, known)).status).to.equal(202);
    await untilState(caller, [known], "processed");
    writeFileSync(syncsHeld(), "");
    const payment = newPaymentInOne();
    const accepted = pay(caller, payment);
    await sleep(20);
    const asked = [
      look(payment),
      look(known),
      look(newPaymentInOne()),
      pay(caller, payment),
      caller.get("/payments-summary"),
    ];
    const first = await Promise.race([accepted, ...asked, sleep(HELD_MS)]);
    expect(first, "an answer that came before the disk").to.equal(undefined);
    rmSync(syncsHeld());
    const statuses = (await Promise.all([accepted, ...asked])).map(({ status }) => status);
    expect(statuses).to.deep.equal([202, 200, 200, 404, 200, 200]);
  });

  it("do not call a payment processed before that is on the disk", async () => {
    await start("fsync");
    const payment = await chargedWhile(() => writeFileSync(syncsHeld(), ""));
    const asked = look(payment);
    expect(await Promise.race([asked, sleep(HELD_MS)]), "an answer that came before the disk").to.equal(undefined);
    rmSync(syncsHeld());
    expect(stateIn(await asked)).to.equal("processed");
  });

  it("wait for nothing when everything is on the disk", async () => {
    await start("fsync");
    const payment = newPaymentInOne();
    expect((await pay(caller, payment)).status).to.equal(202);
    await untilState(caller, [payment], "processed");
    expect((await caller.get("/payments-summary")).status).to.equal(200);
    writeFileSync(syncsHeld(), "");
    expect([(await look(payment)).status, (await look(newPaymentInOne())).status]).to.deep.equal([200, 404]);
    rmSync(syncsHeld());
  });

  for (const durability of ["write", "fsync"]) {
    it(`with ${durability}: are 503 while the journal lacks what has happened, and say what that means`, async () => {
      await start(durability);
      const payment = await chargedWhile(() => writeFileSync(diskFull(), ""));
      for (const answer of [
        await look(payment),
        await look(newPaymentInOne()),
        await caller.get("/payments-summary"),
      ]) {
        expect(answer.status, answer.body).to.equal(503);
        expect(answer.headers["retry-after"]).to.equal("1");
        expect(JSON.parse(answer.body)).to.not.have.property("accepted");
      }
      const refused = newPaymentInOne();
      await expectRefused(refused, "no", "the journal cannot be written; the payment was not accepted");
      await expectRefused(payment, "unknown", /; the payment may have been accepted: repeat it/);
      await expectRefused({ ...payment, cents: 1 }, "unknown", /; the payment may have been accepted: repeat it/);
      rmSync(diskFull());
      await until("there is room again", async () => (await look(payment)).status === 200);
      expect(stateIn(await look(payment))).to.equal("processed");
      expect((await look(refused)).status).to.equal(404);
      expect((await pay(caller, payment)).status).to.equal(200);
    });
  }

  it("are given as before while the journal cannot be written and nothing has happened since", async () => {
    await start("write");
    const payment = newPaymentInOne();
    expect((await pay(caller, payment)).status).to.equal(202);
    await untilState(caller, [payment], "processed");
    writeFileSync(diskFull(), "");
    await expectRefused(newPaymentInOne(), "no", "the journal cannot be written; the payment was not accepted");
    expect(stateIn(await look(payment))).to.equal("processed");
    expect((await caller.get("/payments-summary")).status).to.equal(200);
    rmSync(diskFull());
  });

  async function expectRefused(payment: Payment, accepted: string, detail: string | RegExp): Promise<void> {
    const answer = await pay(caller, payment);
    expect(answer.status, answer.body).to.equal(503);
    expect(answer.headers["retry-after"]).to.equal("1");
    const problem = JSON.parse(answer.body) as { accepted: string; detail: string };
    expect(problem.accepted, problem.detail).to.equal(accepted);
    if (typeof detail === "string") expect(problem.detail).to.equal(detail);
    else expect(problem.detail).to.match(detail);
  }
});
