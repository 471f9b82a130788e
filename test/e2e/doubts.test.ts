import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { startTopology, type Topology } from "../../perf/launch/topology.ts";
import type { DoubtListing } from "../../server/doubts/doubt-listing.ts";
import type { PaymentView } from "../../server/page/payment-view.ts";
import { type Answer, Caller } from "./caller.ts";
import { instanceOf, newPaymentOf, type Payment, payMany, untilState, viewOf } from "./payments.ts";
import { scrape, sumOf } from "./scrape.ts";
import { summaryOf } from "./summaries.ts";
import { until } from "./until.ts";
import { VagueProcessor } from "./vague-processor.ts";

const MAIN = fileURLToPath(new URL("../../bundle/server/doubts/cli/main.js", import.meta.url));

type Run = { code: number; out: string; errors: string };

function run(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, out, errors) => {
      resolve({ code: error ? Number(error.code) : 0, out, errors });
    });
  });
}

describe("payments in doubt that only an operator can settle", () => {
  let processor: VagueProcessor;
  let topology: Topology;
  let front: Caller;
  let instances: Caller[];
  let at: string[];
  let views: PaymentView[];
  const lines: Record<string, unknown>[] = [];
  // Few enough not to be taken for a processor that takes nothing at all.
  const payments: Payment[] = [1, 2, 1, 2].map((instance, i) => newPaymentOf(instance, 1990 + i));
  const [charged, failed, kept, notCharged] = payments as [Payment, Payment, Payment, Payment];

  before(async () => {
    processor = await VagueProcessor.start();
    topology = await startTopology({
      port: 0,
      processorUrls: { default: processor.url, fallback: "http://127.0.0.1:1" },
      env: { LOG_LEVEL: "warn" },
      autoRestart: false,
      hooks: {
        onLine(name, stream, line) {
          if (name.startsWith("instance-") && stream === "stdout") lines.push(JSON.parse(line));
        },
      },
    });
    front = new Caller({ host: topology.host, port: topology.port });
    instances = [1, 2].map((instance) => new Caller({ socketPath: topology.instanceSocket(instance) }, 0));
    at = [1, 2].flatMap((instance) => ["--at", `unix:${topology.instanceSocket(instance)}`]);
    for (const payment of payments) await payMany(front, [payment]);
    views = await untilState(front, payments, "in doubt");
  });

  after(async () => {
    for (const caller of [front, ...(instances ?? [])]) caller?.close();
    await topology?.stop();
    processor?.close();
  });

  function ownerOf(payment: Payment): Caller {
    return instances[instanceOf(payment) - 1]!;
  }

  function requestedAtOf(payment: Payment): string {
    return views[payments.indexOf(payment)]!.requestedAt!;
  }

  async function listingOf(caller: Caller, query = ""): Promise<DoubtListing> {
    const { status, body } = await caller.get(`/doubts${query}`);
    expect(status, body).to.equal(200);
    return JSON.parse(body) as DoubtListing;
  }

  function say(caller: Caller, id: string, wish: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const body = typeof wish === "string" ? wish : JSON.stringify(wish);
    return caller.ask("POST", `/doubts/${id}`, { headers: { "content-type": "application/json", ...headers }, body });
  }

  function settledByHand(): typeof lines {
    return lines.filter(({ msg }) => msg === "payment in doubt settled by hand");
  }

  /** The doubts of all instances. */
  async function openIds(): Promise<string[]> {
    const listings = await Promise.all(instances.map((caller) => listingOf(caller)));
    return listings.flatMap(({ doubts }) => doubts.map(({ correlationId }) => correlationId));
  }

  it("are listed by their instance, as the payment itself shows them", async () => {
    for (const [i, caller] of instances.entries()) {
      const own = payments.filter((payment) => instanceOf(payment) === i + 1);
      await until("the processor was asked", async () =>
        (await listingOf(caller)).doubts.every(({ asked }) => asked! > 1),
      );
      const { doubts, total, stuck, settledUntil } = await listingOf(caller);
      expect([total, stuck, settledUntil]).to.deep.equal([2, 0, requestedAtOf(own[0]!)]);
      for (const [n, doubt] of doubts.entries()) {
        const { id, correlationId, amount, requestedAt } = views[payments.indexOf(own[n]!)]!;
        expect(doubt).to.include({ id, correlationId, amount, requestedAt, processor: "default", mayLand: false });
        expect(doubt).to.include({ stuck: false, lastSentAt: requestedAt, boundsSettledUntil: n === 0 });
        expect(doubt.ageMs).to.be.within(1, 60_000);
      }
      expect((await listingOf(caller, "?limit=1&offset=1")).doubts.map(({ id }) => id)).to.deep.equal([doubts[1]!.id]);
    }
  });

  it("show in the payment, in /ready, in the metrics and in Settled-Until", async () => {
    for (const view of views) expect(view).to.include({ state: "in doubt", stuck: false, processor: "default" });
    for (const caller of instances) {
      expect(JSON.parse((await caller.get("/ready")).body).payments).to.include({ inDoubt: 2, stuck: 0 });
    }
    const scraped = await Promise.all(instances.map((caller) => scrape(caller)));
    expect(sumOf(scraped, "rinha_doubts", { processor: "default" })).to.equal(4);
    expect(sumOf(scraped, "rinha_doubts", { processor: "fallback" })).to.equal(0);
    expect(sumOf(scraped, "rinha_doubts_stuck")).to.equal(0);
    expect((await summaryOf(front)).settledUntil).to.equal(requestedAtOf(charged));
  });

  it("are not for the balancer's callers", async () => {
    expect((await front.get("/doubts")).status).to.equal(404);
    expect((await say(front, charged.correlationId, { word: "failed" })).status).to.equal(404);
  });

  it("are settled by words that can be understood, and refused with a reason otherwise", async () => {
    const id = charged.correlationId;
    const caller = ownerOf(charged);
    const expected: [Promise<Answer>, number, RegExp][] = [
      [say(caller, id, { word: "Charged" }), 400, /^word must be one of charged, not charged, failed: word="Charged"$/],
      [say(caller, id, {}), 400, /^word must be one of/],
      [say(caller, id, "charged"), 400, /^the body must be a JSON object$/],
      [say(caller, id, { word: "failed", force: true }), 400, /^fields must be word, asOf/],
      [say(caller, id, { word: "failed", asOf: "yesterday" }), 400, /^asOf must be an ISO 8601 timestamp/],
      [say(caller, id, { word: "failed", asOf: requestedAtOf(charged) }), 409, /must not have been sent since asOf/],
      [say(caller, id, " ".repeat(300)), 413, /too large/],
      [say(caller, id, { word: "failed" }, { "content-type": "text/plain" }), 415, /application\/json/],
      [say(caller, id, { word: "failed" }, { origin: "http://elsewhere.example" }), 403, /another site's page/],
      [say(caller, "x", { word: "failed" }), 404, /^no such payment here: id=x$/],
      [say(ownerOf(failed), id, { word: "failed" }), 404, /^no such payment here/],
      [caller.get(`/doubts/${id}`), 405, /not allowed/],
      [caller.get("/doubts?limit=1001"), 400, /^limit must be from 0 to 1000/],
      [caller.get("/doubts?offset=-1"), 400, /^offset must be/],
    ];
    for (const [asked, status, detail] of expected) {
      const answer = await asked;
      expect(answer.headers["content-type"]).to.equal("application/problem+json");
      expect(answer.status, answer.body).to.equal(status);
      expect(JSON.parse(answer.body).detail).to.match(detail);
    }
    expect(await openIds()).to.have.members(payments.map(({ correlationId }) => correlationId));
  });

  it("are listed by the command for people and for programs", async () => {
    const { code, out } = await run("list", ...at);
    expect(code).to.equal(0);
    for (const [i, { correlationId }] of payments.entries()) {
      const line = out.split("\n").find((text) => text.startsWith(correlationId));
      expect(line).to.match(new RegExp(` +19\\.9${i} +default +${views[i]!.requestedAt} +\\d+s `));
    }
    const json = JSON.parse((await run("list", "--json", ...at)).out);
    expect(json.instances.map(({ total }: { total: number }) => total)).to.deep.equal([2, 2]);
    expect(json.doubts.map(({ id }: { id: string }) => id)).to.have.members(views.map(({ id }) => id));
  });

  it("are processed when they are said to be charged, and counted where and when they were sent", async () => {
    const { code, out } = await run("settle", charged.correlationId, "charged", ...at);
    const requestedAt = requestedAtOf(charged);
    expect(out).to.equal(`${charged.correlationId} is processed: counted at default at ${requestedAt}\n`);
    expect(code).to.equal(0);
    const summary = await summaryOf(front, { from: requestedAt, to: requestedAt });
    expect([summary.default, summary.fallback]).to.deep.equal([
      { count: 1, cents: charged.cents },
      { count: 0, cents: 0 },
    ]);
    expect(summary.settledUntil).to.equal(requestedAtOf(failed));
    expect(await viewOf(front, charged)).to.include({ state: "processed", processor: "default", requestedAt });
  });

  it("fail when that is said, and are in no summary", async () => {
    const { id } = views[payments.indexOf(failed)]!;
    const { status, body } = await say(ownerOf(failed), id, { word: "failed" });
    expect([status, JSON.parse(body).state]).to.deep.equal([200, "failed"]);
    const summary = await summaryOf(front);
    expect([summary.default.count, summary.settledUntil]).to.deep.equal([1, requestedAtOf(kept)]);
    const again = await say(ownerOf(failed), id, { word: "charged" });
    expect([again.status, JSON.parse(again.body).detail]).to.deep.equal([
      409,
      "only a payment that is in doubt or held can be settled: state=failed",
    ]);
    const refused = await run("settle", id, "charged", ...at);
    expect([refused.code, refused.out]).to.deep.equal([1, ""]);
    expect(refused.errors).to.include("only a payment that is in doubt or held can be settled: state=failed");
  });

  it("stay settled, and the others in doubt, when every instance is killed and started again", async () => {
    // What a process has not written yet of its log goes with it.
    await until("the log has both words", () => settledByHand().length === 2);
    for (const name of ["instance-1", "instance-2"] as const) {
      await topology.kill(name);
      await topology.restart(name);
    }
    expect(await openIds()).to.have.members([kept.correlationId, notCharged.correlationId]);
    expect(await viewOf(front, charged)).to.include({ state: "processed", requestedAt: requestedAtOf(charged) });
    expect(await viewOf(front, failed)).to.include({ state: "failed" });
    const summary = await summaryOf(front);
    expect([summary.default, summary.settledUntil]).to.deep.equal([
      { count: 1, cents: charged.cents },
      requestedAtOf(kept),
    ]);
  });

  it("are sent again when they are said not to be charged, and only then", async () => {
    processor.isPlain = true;
    const { code } = await run("settle", notCharged.correlationId, "not-charged", "--json", ...at);
    expect(code).to.equal(0);
    const [view] = await untilState(front, [notCharged], "processed");
    expect(view!.requestedAt).to.equal(processor.charges.get(notCharged.correlationId));
    expect(Date.parse(view!.requestedAt!)).to.be.above(Date.parse(requestedAtOf(notCharged)));
    expect([...processor.charges.keys()]).to.deep.equal([notCharged.correlationId]);
    const posts = payments.map(({ correlationId }) => processor.posted.filter((id) => id === correlationId).length);
    expect(posts).to.deep.equal([1, 1, 1, 2]);
  });

  it("let Settled-Until go on once the last of them is settled", async () => {
    expect((await summaryOf(front)).settledUntil).to.equal(requestedAtOf(kept));
    expect((await run("settle", kept.correlationId, "charged", ...at)).code).to.equal(0);
    const { default: totals, settledUntil } = await summaryOf(front);
    expect(totals).to.deep.equal({ count: 3, cents: charged.cents + kept.cents + notCharged.cents });
    expect(Date.now() - Date.parse(settledUntil)).to.be.below(1000);
    expect(await run("list", ...at)).to.include({ code: 0, errors: "" });
    expect(await openIds()).to.deep.equal([]);
  });

  it("leave a line in the log and a count for every word", async () => {
    await until("the log has all words", () => settledByHand().length === 4);
    const settled = settledByHand();
    expect(settled.map(({ correlationId, word }) => [correlationId, word])).to.have.deep.members([
      [charged.correlationId, "charged"],
      [failed.correlationId, "failed"],
      [notCharged.correlationId, "not charged"],
      [kept.correlationId, "charged"],
    ]);
    expect(settled.map(({ level }) => level)).to.deep.equal([40, 40, 40, 40]);
    // Of the process that runs now.
    const scraped = await Promise.all(instances.map((caller) => scrape(caller)));
    const counts = ["charged", "not_charged", "failed"].map((word) =>
      sumOf(scraped, "rinha_doubts_settled_total", { word }),
    );
    expect(counts).to.deep.equal([1, 1, 0]);
  });
});
