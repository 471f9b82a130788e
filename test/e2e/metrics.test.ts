import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { bodyOf, instanceOf, newPayment, newPaymentOf, pay, payMany, untilState } from "./payments.ts";
import { metricValue } from "./prometheus-text.ts";
import { type Scraped, scrape, scrapeAll, sumOf } from "./scrape.ts";
import { ROLES, type Role, Service } from "./service.ts";
import { countOf, summaryOf, untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

const FEES: Record<Role, number> = { default: 0.05, fallback: 0.15 };

const TAKE_OVERS = "rinha_partition_takeovers_total";

type Ready = { payments: Record<string, number>; processors: { name: string; available: boolean; limit: number }[] };

describe("metrics", () => {
  let service: Service;

  beforeEach(async () => {
    service = await Service.start({
      env: { PURGE_ENABLED: "true", GIVE_UP_AFTER_MS: "3000", REQUEST_TIMEOUT_MS: "500" },
    });
  });

  afterEach(() => service?.stop());

  /** Every number that the ledger, the summary and the processors know as well. */
  async function expectBooksToAgree(scraped: readonly Scraped[]): Promise<void> {
    const summary = await summaryOf(service.front);
    for (const role of ROLES) {
      const { count, cents } = summary[role];
      const { charges } = service.processors[role];
      const labels = { processor: role };
      expect(charges.count).to.equal(count);
      expect(sumOf(scraped, "rinha_ledger_processed_payments", labels)).to.equal(count);
      expect(sumOf(scraped, "rinha_ledger_processed_amount", labels)).to.be.closeTo(cents / 100, 1e-6);
      const admin = (await (
        await fetch(`${service.processors[role].url}/admin/payments-summary`, { headers: { "x-rinha-token": "123" } })
      ).json()) as { totalFee: number; feePerTransaction: number };
      expect(admin.feePerTransaction).to.equal(FEES[role]);
      // Half a cent for the rounding at each of the two instances.
      const fees = sumOf(scraped, "rinha_ledger_fees_amount", labels);
      expect(fees).to.be.closeTo(admin.totalFee, 0.0101);
      expect(sumOf(scraped, "rinha_ledger_profit_amount", labels)).to.be.closeTo(cents / 100 - fees, 1e-6);
    }
    for (const [i, caller] of service.instances.entries()) {
      const { payments, processors } = JSON.parse((await caller.get("/ready")).body) as Ready;
      for (const [state, field] of Object.entries({
        pending: "pending",
        sending: "sending",
        in_doubt: "inDoubt",
        processed: "processed",
        failed: "failed",
      })) {
        expect(metricValue(scraped[i]!, "rinha_ledger_payments", { state }), state).to.equal(payments[field]);
      }
      expect(metricValue(scraped[i]!, "rinha_ledger_capacity_payments")).to.equal(payments["capacity"]);
      for (const { name, available, limit } of processors) {
        expect(metricValue(scraped[i]!, "rinha_processor_up", { processor: name })).to.equal(available ? 1 : 0);
        expect(metricValue(scraped[i]!, "rinha_processor_in_flight_limit", { processor: name })).to.equal(limit);
      }
    }
  }

  it("agree with the answers, the ledger and the processors' own books", async () => {
    const payments = Array.from({ length: 200 }, (_, i) => newPayment(1 + i * 37));
    await payMany(service.front, payments);
    for (const payment of payments.slice(0, 30)) expect((await pay(service.front, payment)).status).to.equal(200);
    for (const { correlationId } of payments.slice(0, 7)) {
      expect((await pay(service.front, { correlationId, cents: 999_999 })).status).to.equal(409);
    }
    const post = async (body: string, status: number) =>
      expect((await service.front.ask("POST", "/payments", { body })).status).to.equal(status);
    await post("{", 400);
    await post("[]", 400);
    await post('{"correlationId":"x","amount":1}', 400);
    for (let i = 0; i < 3; i++) await post(bodyOf(newPayment(0)), 400);
    const direct = service.instances[0]!;
    expect((await direct.ask("POST", "/payments", { body: " ".repeat(9000) })).status).to.equal(413);
    await untilProcessed(service, payments.length);

    const scraped = await scrapeAll(service);
    expect(sumOf(scraped, "rinha_payments_accepted_total")).to.equal(200);
    expect(sumOf(scraped, "rinha_payments_duplicate_total")).to.equal(30);
    const refusals = { conflict: 7, invalid_body: 2, invalid_correlation_id: 1, invalid_amount: 3, too_large: 1 };
    for (const [reason, count] of Object.entries(refusals)) {
      expect(sumOf(scraped, "rinha_payments_refused_total", { reason }), reason).to.equal(count);
    }
    expect(sumOf(scraped, "rinha_payments_refused_total")).to.equal(14);
    expect(sumOf(scraped, "rinha_payments_processed_total")).to.equal(200);
    const statuses = { 202: 200, 200: 30, 409: 7, 400: 6, 413: 1 };
    for (const [status, count] of Object.entries(statuses)) {
      expect(sumOf(scraped, "rinha_http_requests_total", { route: "/payments", status }), status).to.equal(count);
    }
    expect(sumOf(scraped, "rinha_http_request_duration_seconds_count", { route: "/payments" })).to.equal(244);
    // On a slow machine a request may time out; then a lookup says that it charged.
    const outcomes = ["charged", "found charged"];
    const charges = outcomes.map((outcome) => sumOf(scraped, "rinha_attempts_total", { outcome }));
    expect(charges[0]! + charges[1]!).to.equal(200);
    expect(sumOf(scraped, "rinha_attempt_duration_seconds_count")).to.equal(sumOf(scraped, "rinha_attempts_total"));
    // ACCEPTED, SENDING and PROCESSED for each, at least.
    expect(sumOf(scraped, "rinha_journal_records_total")).to.be.at.least(600);
    expect(sumOf(scraped, "rinha_journal_written_bytes_total")).to.equal(
      sumOf(scraped, "rinha_journal_records_total") * 48,
    );
    await expectBooksToAgree(scraped);
  });

  it("count a payment at its carrier, whichever instance was asked, and a partition out of reach", async () => {
    const payment = newPaymentOf(2);
    expect((await pay(service.instances[0]!, payment)).status).to.equal(202);
    const [first, second] = await scrapeAll(service);
    expect([first!, second!].map((families) => metricValue(families, "rinha_payments_accepted_total"))).to.deep.equal([
      0, 1,
    ]);
    service.topology.signal("instance-2", "SIGSTOP");
    try {
      expect((await pay(service.instances[0]!, newPaymentOf(2))).status).to.equal(503);
      const after = await scrape(service.instances[0]!);
      expect(metricValue(after, "rinha_payments_refused_total", { reason: "partition_unreachable" })).to.equal(1);
    } finally {
      service.topology.signal("instance-2", "SIGCONT");
    }
  });

  it("tell which partitions each instance carries, and how often they have moved", async () => {
    const read = (families: Scraped, name: string): number[] =>
      ["1", "2"].map((partition) => metricValue(families, name, { partition }));
    const [first] = service.instances;
    const carried = async (): Promise<number[][]> =>
      (await scrapeAll(service)).map((families) => read(families, "rinha_partition_carried"));
    const atHome = [
      [1, 0],
      [0, 1],
    ];
    expect(await carried()).to.deep.equal(atHome);
    const takenBefore = metricValue(await scrape(first!), TAKE_OVERS);
    await service.topology.kill("instance-2");
    await until("its partition is taken over", async () => {
      return metricValue(await scrape(first!), TAKE_OVERS) === takenBefore + 1;
    });
    const survivor = await scrape(first!);
    expect(read(survivor, "rinha_partition_carried")).to.deep.equal([1, 1]);
    expect(read(survivor, "rinha_partition_moving")).to.deep.equal([0, 0]);
    expect(read(survivor, "rinha_partition_epoch")[1]).to.be.above(1);
    await service.topology.restart("instance-2");
    await service.untilAtHome();
    expect(await carried()).to.deep.equal(atHome);
    expect(metricValue(await scrape(first!), "rinha_partition_handovers_total")).to.be.at.least(1);
    expect(metricValue(await scrape(service.instances[1]!), TAKE_OVERS)).to.equal(1);
  });

  it("tell of failing processors, doubts and payments given up", async () => {
    const { default: wire } = service.wires;
    await wire.set("losing answers");
    const doubtful = newPayment();
    await payMany(service.front, [doubtful]);
    const owner = service.instances[instanceOf(doubtful) - 1]!;
    await until("the payment is in doubt", async () => {
      const families = await scrape(owner);
      return (
        metricValue(families, "rinha_ledger_payments", { state: "in_doubt" }) === 1 &&
        metricValue(families, "rinha_unsettled_age_seconds") > 0.2
      );
    });
    await wire.set("open");
    await untilState(service.front, [doubtful], "processed");

    for (const { settings } of Object.values(service.processors)) settings.failing = true;
    const payments = Array.from({ length: 10 }, () => newPayment());
    await payMany(service.front, payments);
    await until("the processors are found down", async () => {
      const scraped = await scrapeAll(service);
      return sumOf(scraped, "rinha_processor_up") === 0;
    });
    const views = await untilState(service.front, payments, "failed");
    const scraped = await scrapeAll(service);
    expect(sumOf(scraped, "rinha_payments_failed_total", { processor: "none" })).to.equal(10);
    expect(sumOf(scraped, "rinha_payments_failed_total")).to.equal(10);
    const failing = views.flatMap(({ attempts }) => attempts).filter(({ outcome }) => outcome === "failing").length;
    expect(sumOf(scraped, "rinha_attempts_total", { outcome: "failing" }))
      .to.be.at.least(failing)
      .and.above(0);
    await expectBooksToAgree(scraped);
  });

  it("keep what the ledger keeps over a restart, while counters begin anew, and follow a purge", async () => {
    await payMany(
      service.front,
      Array.from({ length: 20 }, () => newPayment()),
    );
    await untilProcessed(service, 20);
    for (const name of ["instance-1", "instance-2"] as const) await service.topology.restart(name);
    await until("both know each other", async () => countOf(await summaryOf(service.front)) === 20);
    const restarted = await scrapeAll(service);
    expect(sumOf(restarted, "rinha_ledger_processed_payments")).to.equal(20);
    expect(sumOf(restarted, "rinha_ledger_processed_amount")).to.be.closeTo(398, 1e-9);
    expect(sumOf(restarted, "rinha_payments_processed_total")).to.equal(0);
    expect((await service.front.ask("POST", "/purge-payments")).status).to.equal(200);
    const purged = await scrapeAll(service);
    expect(sumOf(purged, "rinha_ledger_processed_payments")).to.equal(0);
    expect(sumOf(purged, "rinha_ledger_profit_amount")).to.equal(0);
  });

  it("are not on the balancer, and answer GET and HEAD alone", async () => {
    for (const path of ["/metrics", "/metrics/1", "/log-level"]) {
      expect((await service.front.get(path)).status, path).to.equal(404);
    }
    const [caller] = service.instances;
    expect((await caller!.ask("HEAD", "/metrics")).status).to.equal(200);
    const refused = await caller!.ask("POST", "/metrics");
    expect([refused.status, refused.headers["allow"]]).to.deep.equal([405, "GET, HEAD"]);
  });

  it("do not hold up the payments, scraped a hundred times under load", async () => {
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        await payMany(
          service.front,
          Array.from({ length: 8 }, () => newPayment()),
        );
      }
    })();
    const before = await scrapeAll(service);
    for (let i = 0; i < 100; i++) await scrapeAll(service);
    isOver = true;
    await load;
    const after = await scrapeAll(service);
    const late = (scraped: readonly Scraped[], le: string): number =>
      sumOf(scraped, "nodejs_eventloop_delay_seconds_count") -
      sumOf(scraped, "nodejs_eventloop_delay_seconds_bucket", { le });
    // Other processes take the processor away now and then; a scrape that held the loop would be seen in most of the
    // 200.
    expect(late(after, "0.032768") - late(before, "0.032768")).to.be.below(20);
    const count = countOf(await summaryOf(service.front));
    expect(sumOf(after, "rinha_payments_accepted_total")).to.be.above(100);
    expect(count).to.be.at.most(sumOf(after, "rinha_payments_accepted_total"));
  });
});

describe("metrics where they are configured otherwise", () => {
  it("are not there with METRICS=false, and are read through nginx where that is asked for", async () => {
    const off = await Service.start({ env: { METRICS: "false" } });
    try {
      expect((await off.instances[0]!.get("/metrics")).status).to.equal(404);
    } finally {
      await off.stop();
    }
    const through = await Service.start({ metricsThroughNginx: true });
    try {
      await payMany(through.front, [newPaymentOf(2)]);
      expect(metricValue(await scrape(through.front, "/metrics/1"), "rinha_payments_accepted_total")).to.equal(0);
      expect(metricValue(await scrape(through.front, "/metrics/2"), "rinha_payments_accepted_total")).to.equal(1);
      expect((await through.front.get("/metrics/3")).status).to.equal(503);
      for (const path of ["/metrics", "/metrics/0", "/metrics/1/x", "/metrics/x"]) {
        expect((await through.front.get(path)).status, path).to.equal(404);
      }
    } finally {
      await through.stop();
    }
  });

  it("are on ADMIN_LISTEN alone, where there is one, and the level of the log with them", async () => {
    const directory = mkdtempSync(join(tmpdir(), "rinha-admin-"));
    const adminPath = join(directory, "admin.sock");
    const { child, socketPath } = await startLoneInstance(directory, "ignore", { ADMIN_LISTEN: `unix:${adminPath}` });
    const front = new Caller({ socketPath });
    const admin = new Caller({ socketPath: adminPath });
    try {
      await payMany(front, [newPayment()]);
      expect(metricValue(await scrape(admin), "rinha_payments_accepted_total")).to.equal(1);
      expect((await admin.get("/log-level")).status).to.equal(200);
      for (const path of ["/metrics", "/log-level"]) expect((await front.get(path)).status, path).to.equal(404);
      expect((await admin.get("/payments-summary")).status).to.equal(404);
    } finally {
      for (const caller of [front, admin]) caller.close();
      child.kill("SIGTERM");
      const end = await once(child, "exit");
      rmSync(directory, { recursive: true, force: true });
      expect(end).to.deep.equal([0, null]);
    }
  });
});
