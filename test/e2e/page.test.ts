import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Browser } from "playwright-core";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { centsIn, numberIn, OpenedPage } from "./opened-page.ts";
import { newPayment, type Payment, payMany } from "./payments.ts";
import { ROLES, Service } from "./service.ts";
import { countOf, summaryOf, untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

const FEE_FRACTION = { default: 0.05, fallback: 0.15 };

describe("live page in a browser", function () {
  this.timeout(90_000);
  let service: Service;
  let browser: Browser;
  let page: OpenedPage;

  before(async function () {
    const executable = findChromium();
    if (executable === undefined) return this.skip();
    browser = await launchChromium(executable);
    service = await Service.start({ env: { PROCESSOR_ADMIN_TOKEN: "123", PURGE_ENABLED: "true" } });
  });

  beforeEach(async () => {
    await service.heal();
    expect((await service.front.ask("POST", "/purge-payments")).status).to.equal(200);
    for (const processor of Object.values(service.processors)) processor.charges.purge();
    page = await OpenedPage.open(browser, service.topology.url);
  });

  afterEach(async () => {
    const { complaints, foreignRequests } = page;
    await page.close();
    expect(complaints.errors).to.deep.equal([]);
    expect(foreignRequests).to.deep.equal([]);
  });

  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  /** Pays until told to stop; returns what was paid. */
  async function underLoad(during: () => Promise<void>): Promise<Payment[]> {
    const paid: Payment[] = [];
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        const payments = Array.from({ length: 5 }, () => newPayment(randomInt(1, 500_000)));
        await payMany(service.front, payments);
        paid.push(...payments);
        await sleep(50);
      }
    })();
    try {
      await during();
    } finally {
      isOver = true;
      await load;
    }
    return paid;
  }

  it("shows numbers that move under load, and in the end equal the summary to the cent", async () => {
    const paid = await underLoad(async () => {
      let last = -1;
      for (let step = 0; step < 3; step++) {
        await until("more is processed", async () => (await page.processed("default")).count > last);
        last = (await page.processed("default")).count;
      }
      expect(numberIn((await page.tile("Accepted, /s")).value)).to.be.above(0);
      expect((await page.tile("Latency p50 / p99, ms")).value).to.match(/^[\d.]+ \/ [\d.]+$/);
      service.processors.default.settings.failing = true;
      await until("the fallback takes over", async () => (await page.processed("fallback")).count > 20);
      expect(await page.description("throughput")).to.match(/by fallback [\d.]*[1-9]/);
    });
    await service.heal();
    await untilProcessed(service, paid.length);
    const summary = await summaryOf(service.front);
    await until("the page has it all", async () => {
      const shown = { default: await page.processed("default"), fallback: await page.processed("fallback") };
      return countOf({ ...summary, ...shown }) === paid.length;
    });
    for (const role of ROLES) expect(await page.processed(role), role).to.deep.equal(summary[role]);
    const cents = summary.default.cents + summary.fallback.cents;
    expect(cents).to.equal(paid.reduce((sum, payment) => sum + payment.cents, 0));
    const feeCents = ROLES.reduce((sum, role) => sum + summary[role].cents * FEE_FRACTION[role], 0);
    const shownFeeCents = centsIn((await page.tile("Fees")).value);
    expect(shownFeeCents).to.be.closeTo(feeCents, ROLES.length / 2);
    const profit = await page.tile("Profit");
    expect(centsIn(profit.value)).to.equal(cents - shownFeeCents);
    expect(centsIn(profit.note.replace("of ", ""))).to.equal(cents);
    expect((await page.tile("Pending")).value).to.equal("0");
    expect((await page.tile("In doubt")).value).to.equal("0");
  });

  it("shows the instances one by one, and what they have is what they have together", async () => {
    const payments = Array.from({ length: 60 }, () => newPayment(1234));
    await payMany(service.front, payments);
    await untilProcessed(service, payments.length);
    await until("all is shown", async () => (await page.processedCount()) === payments.length);
    const counts: number[] = [];
    for (const view of ["Instance 1", "Instance 2"]) {
      await page.show(view);
      counts.push(await page.processedCount());
    }
    expect(Math.min(...counts)).to.be.above(0);
    expect(counts[0]! + counts[1]!).to.equal(payments.length);
    await until("each carries the partition of its number", async () => {
      const instances = await page.instances();
      return instances.every((text, i) => new RegExp(`: up, CPU .* MB, partition ${i + 1}$`).test(text));
    });
    expect(await page.instances()).to.have.length(2);
  });

  it("has buttons that make a processor fail and be well, and shows what the routing makes of it", async () => {
    await underLoad(async () => {
      await until("payments go by default", async () => (await page.processed("default")).count > 20);
      await page.press("Processor default", "Failing");
      await until("the processor fails", () => service.processors.default.settings.failing);
      await until("default is seen down", async () => /default (down|failing)/.test(await page.description("health")));
      const before = (await page.processed("fallback")).count;
      await until("fallback is used", async () => (await page.processed("fallback")).count > before + 20);
      await page.press("Processor default", "Well");
      await until("default is seen up", async () => /default (up|\d+ ms);/.test(await page.description("health")));
      const count = (await page.processed("default")).count;
      await until("default is used again", async () => (await page.processed("default")).count > count + 20);
    });
    await page.press("Processor fallback", "Slow, 100 ms");
    await until("fallback is slow", () => service.processors.fallback.settings.delayMs === 100);
    const status = page.page.locator("#simulation-status");
    await until("it is said", async () => (await status.textContent()) === "fallback: slow, 100 ms");
  });

  it("says when a button could not do what it says", async () => {
    service.processors.default.settings.token = "other";
    await page.press("Processor default", "Failing");
    await until("the page says so", async () =>
      /status=401/.test((await page.page.locator("#simulation-status").textContent()) ?? ""),
    );
    service.processors.default.settings.token = "123";
    // What the browser itself says of an answer that is an error.
    expect(page.complaints.errors.splice(0)).to.have.length(1);
  });

  it("finds a payment by either id, and shows its attempts on a time line and in words", async () => {
    service.processors.default.settings.failing = true;
    const payment = newPayment(4321);
    await payMany(service.front, [payment]);
    await untilProcessed(service, 1);
    const found = page.page.locator("#payment");
    await page.find(payment.correlationId);
    await until("it is found", async () =>
      /^processed, /.test((await page.page.locator("#find-status").textContent()) ?? ""),
    );
    const rows = await found.getByRole("row").allTextContents();
    expect(rows[0]).to.equal("attemptbeganprocessorwhy thereoutcometook");
    expect(rows.slice(1).join("\n")).to.match(
      /^1\+\d+ msdefaultcheapestfailing\d+ ms\n(.*\n)*\d\+[\d,]+ msfallbackcheaper downcharged\d+ ms$/,
    );
    expect(await found.locator("svg rect").count()).to.equal(rows.length - 1);
    expect(await found.getByRole("img").getAttribute("aria-label")).to.match(/^Time line of \d attempts/);
    expect(await found.textContent()).to.include("43.21");
    const id = /id([0-9a-f-]{36})amount/.exec((await found.textContent()) ?? "")?.[1];
    await page.find("nonsense");
    await until("nothing is found", async () => (await found.textContent()) === "");
    expect(await page.page.locator("#find-status").textContent()).to.equal("no such payment: id=nonsense");
    expect(page.complaints.errors.splice(0)).to.have.length(1);
    await page.find(id!);
    await until("it is found again", async () => (await found.textContent())!.includes(payment.correlationId));
  });

  it("follows a payment that is not at its end", async () => {
    for (const { settings } of Object.values(service.processors)) settings.failing = true;
    const payment = newPayment();
    await payMany(service.front, [payment]);
    await page.find(payment.correlationId);
    const status = page.page.locator("#find-status");
    await until("it is pending", async () => /^(pending|sending), /.test((await status.textContent()) ?? ""));
    await service.heal();
    await until("it is seen processed", async () => /^processed, /.test((await status.textContent()) ?? ""));
  });

  it("survives kill -9 of the instance it is connected to, and shows who takes over and hands back", async () => {
    const payments = Array.from({ length: 40 }, () => newPayment());
    await payMany(service.front, payments);
    await untilProcessed(service, payments.length);
    const victim = await page.untilConnected();
    const other = 3 - victim;
    await service.topology.kill(`instance-${victim}`);
    await until(
      "it is connected to the other",
      async () => (await page.connection.textContent()) === `Connected to instance ${other}`,
    );
    await until(
      "the victim is shown down",
      async () => (await page.instances())[victim - 1] === `Instance ${victim}: down`,
    );
    await until("the other carries all", async () => /, partitions 1, 2$/.test((await page.instances())[other - 1]!));
    await until("nothing is missing", async () => (await page.processedCount()) === payments.length);
    expect((await page.tile("Fees")).note).to.include("of the amount");
    await service.topology.restart(`instance-${victim}`);
    await until("it is shown up", async () => /: up, /.test((await page.instances())[victim - 1]!));
    await until("its partition comes back to it", async () =>
      new RegExp(`, partition ${victim}$`).test((await page.instances())[victim - 1]!),
    );
    await until("nothing is missing again", async () => (await page.processedCount()) === payments.length);
  });

  it("shows an instance that hangs as down and its partition out of reach, and goes on with the other", async () => {
    const here = await page.untilConnected();
    const other = 3 - here;
    service.topology.signal(`instance-${other}`, "SIGSTOP");
    try {
      await until("it is shown down", async () => (await page.instances())[other - 1] === `Instance ${other}: down`);
      await until("its partition is out of reach", async () => {
        return (await page.instances()).at(-1) === `Out of reach: partition ${other}`;
      });
      expect((await page.tile("Fees")).note).to.equal(`without partition ${other}`);
      expect(await page.untilConnected()).to.equal(here);
    } finally {
      service.topology.signal(`instance-${other}`, "SIGCONT");
    }
    await until("it is shown up", async () => /: up, /.test((await page.instances())[other - 1]!));
  });

  it("comes back by itself after a time without the service, with its history and a gap", async () => {
    await page.page.getByText("The charts as a table").click();
    const body = page.page.locator("#figures-body");
    await until("there is some history", async () => (await body.getByRole("row").count()) >= 3);
    const before = await body.getByRole("rowheader").allTextContents();
    await service.topology.kill("nginx");
    await until("it is seen lost", async () => (await page.connection.getAttribute("data-state")) === "lost");
    expect(await page.connection.textContent()).to.equal("Not connected, trying again");
    await sleep(3000);
    await service.topology.restart("nginx");
    await page.untilConnected();
    await until("the gap is told", async () => /not connected/.test((await body.textContent()) ?? ""));
    expect(await body.getByRole("rowheader").allTextContents()).to.include.members(before);
    // What the browser says of connections that cannot be made.
    for (const error of page.complaints.errors.splice(0)) expect(error).to.match(/ERR_CONNECTION_REFUSED|WebSocket/);
  });

  it("sends payments when asked to", async () => {
    await page.press("Payments", "Send one");
    await until("it is shown", async () =>
      /^processed, /.test((await page.page.locator("#find-status").textContent()) ?? ""),
    );
    await page.press("Payments", "Send 50 a second");
    await until("many are processed", async () => (await page.processedCount()) > 50);
    await page.press("Payments", "Send 50 a second");
    await until("no more come", async () => (await page.tile("Accepted, /s")).value === "0");
  });

  it("offers no buttons to make somebody else's processors fail", async () => {
    const plain = await Service.start();
    try {
      const other = await OpenedPage.open(browser, plain.topology.url);
      expect(await other.page.getByRole("button").allTextContents()).to.deep.equal(["Find"]);
      expect(other.complaints.errors).to.deep.equal([]);
      await other.close();
    } finally {
      await plain.stop();
    }
  });
});
