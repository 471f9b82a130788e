import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { type Answer, Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { bodyOf, newPayment } from "./payments.ts";
import { metricValue, parseMetrics } from "./prometheus-text.ts";
import { SLOW_MEMBER, SLOW_MS } from "./slow-member.ts";

/** More than it can take: it does not matter by how much, nor how fast the machine is. */
const EVERY_MS = SLOW_MS * 0.75;
const REFUSED_MIN = 5;
const OVERLOAD_MS_MAX = 20_000;

const slow = (payment: ReturnType<typeof newPayment>): string => bodyOf(payment).replace(/}$/, `,${SLOW_MEMBER}}`);

describe("an overloaded instance", function () {
  this.timeout(60_000);
  let directory: string;
  let child: ChildProcess;
  let caller: Caller;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "rinha-overload-"));
    const preload = new URL("./slow-bodies.js", import.meta.url).href;
    const started = await startLoneInstance(directory, "ignore", { NODE_OPTIONS: `--import ${preload}` });
    ({ child } = started);
    caller = new Caller({ socketPath: started.socketPath }, 1000);
  });

  afterEach(async () => {
    caller?.close();
    if (child !== undefined && child.exitCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    rmSync(directory, { recursive: true });
  });

  const pay = (body: string): Promise<Answer> => caller.ask("POST", "/payments", { body });

  /** Pays on schedule, whatever is answered, until enough is refused. */
  async function overload(repeated: string): Promise<{ answers: Answer[]; repetitions: Answer[] }> {
    const asked = { answers: [] as Promise<Answer>[], repetitions: [] as Promise<Answer>[] };
    const beganAtMs = performance.now();
    let refusedCount = 0;
    for (let i = 0; refusedCount < REFUSED_MIN && performance.now() - beganAtMs < OVERLOAD_MS_MAX; i++) {
      const isRepetition = i % 4 === 3;
      const answer = pay(isRepetition ? repeated : slow(newPayment(1)));
      asked[isRepetition ? "repetitions" : "answers"].push(answer);
      // A rejection is found by Promise.all.
      const note = ({ status }: Answer): void => {
        if (status === 503) refusedCount++;
      };
      answer.then(note, () => {});
      await sleep(Math.max(0, beganAtMs + (i + 1) * EVERY_MS - performance.now()));
    }
    return { answers: await Promise.all(asked.answers), repetitions: await Promise.all(asked.repetitions) };
  }

  it("refuses what it cannot take at once, knows what it has, and accepts again afterwards", async () => {
    const known = slow(newPayment(1));
    expect((await pay(known)).status).to.equal(202);
    const { answers, repetitions } = await overload(known);
    const refused = answers.filter(({ status }) => status === 503);
    const accepted = answers.filter(({ status }) => status === 202);
    expect(refused.length + accepted.length).to.equal(answers.length);
    expect(refused.length).to.be.at.least(REFUSED_MIN);
    for (const { headers, body } of refused) {
      expect(headers).to.include({ "content-type": "application/problem+json", "retry-after": "1" });
      expect(JSON.parse(body)).to.deep.equal({
        type: "urn:problem-type:rinha-backend:overloaded",
        title: "Service Unavailable",
        status: 503,
        detail: "too many payments at once; the payment was not accepted",
        accepted: "no",
      });
    }
    expect(new Set(repetitions.map(({ status }) => status))).to.deep.equal(new Set([200]));

    for (let i = 0; i < 5; i++) expect((await pay(bodyOf(newPayment(1)))).status).to.equal(202);
    const { payments } = JSON.parse((await caller.get("/ready")).body) as { payments: { kept: number } };
    expect(payments.kept).to.equal(1 + accepted.length + 5);
    const metrics = (await caller.get("/metrics")).body;
    const counted = metricValue(parseMetrics(metrics), "rinha_payments_refused_total", { reason: "overloaded" });
    expect(counted).to.equal(refused.length);
  });
});
