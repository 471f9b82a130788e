import { expect } from "chai";
import type { Answer, Caller } from "../caller.ts";
import { bodyOf, newPayment, type Payment, pay, payMany } from "../payments.ts";
import { scrapeAll, sumOf } from "../scrape.ts";
import { Service } from "../service.ts";
import { countOf, summaryOf, untilProcessed } from "../summaries.ts";

const SIMULATED = "/simulation/processors/default";
const JSON_TYPE = { "content-type": "application/json" };
/** What a form, or a script that asks for no leave, can send. */
const FORM_TYPE = { "content-type": "text/plain" };

describe("pages of other sites", () => {
  let service: Service;
  let foreign: string[];

  before(async () => {
    service = await Service.start({ env: { PURGE_ENABLED: "true", PROCESSOR_ADMIN_TOKEN: "123" } });
    foreign = ["http://evil.example", "null", "http://127.0.0.1", `http://${host()}.evil.example`, "file://"];
  });

  after(() => service?.stop());

  const host = (): string => `${service.frontTarget.host}:${service.frontTarget.port}`;
  const callers = (): readonly Caller[] => [service.front, ...service.instances];

  function from(origin: string, type: Record<string, string>): Record<string, string> {
    return { ...type, origin, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };
  }

  function expectRefused({ status, body, headers }: Answer, what: string): void {
    expect(status, what).to.equal(403);
    expect(headers["content-type"], what).to.equal("application/problem+json");
    expect(JSON.parse(body).detail, what).to.include("another site's page");
  }

  it("cannot pay, whatever they say the body is", async () => {
    for (const caller of callers()) {
      for (const origin of foreign) {
        for (const type of [FORM_TYPE, JSON_TYPE]) {
          const payment = newPayment();
          const asked = await caller.ask("POST", "/payments", { headers: from(origin, type), body: bodyOf(payment) });
          expectRefused(asked, origin);
          expect((await service.front.get(`/payments/${payment.correlationId}`)).status).to.equal(404);
        }
      }
    }
  });

  it("are counted among the payments refused", async () => {
    const count = async () =>
      sumOf(await scrapeAll(service), "rinha_payments_refused_total", { reason: "foreign_page" });
    const before = await count();
    await service.front.ask("POST", "/payments", { headers: from("null", FORM_TYPE), body: bodyOf(newPayment()) });
    expect(await count()).to.equal(before + 1);
  });

  it("cannot have everything forgotten", async () => {
    const payments: Payment[] = Array.from({ length: 4 }, () => newPayment());
    await payMany(service.front, payments);
    await untilProcessed(service, payments.length);
    for (const caller of callers()) {
      for (const origin of foreign)
        expectRefused(await caller.ask("POST", "/purge-payments", { headers: from(origin, FORM_TYPE) }), origin);
    }
    expect(countOf(await summaryOf(service.front))).to.equal(payments.length);
  });

  it("cannot press the buttons, nor settle doubts, nor look on", async () => {
    const [id] = [newPayment().correlationId];
    for (const origin of foreign) {
      const headers = from(origin, JSON_TYPE);
      for (const caller of callers())
        expectRefused(await caller.ask("PUT", SIMULATED, { headers, body: '{"failing":true}' }), origin);
      for (const caller of service.instances)
        expectRefused(await caller.ask("POST", `/doubts/${id}`, { headers, body: '{"word":"failed"}' }), origin);
      const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
      for (const caller of callers())
        expectRefused(await caller.ask("GET", "/live", { headers: { ...headers, ...upgrade } }), origin);
    }
    expect(service.processors.default.settings.failing).to.equal(false);
  });

  it("change nothing by what needs no origin: a link, a picture, a form that GETs", async () => {
    const before = countOf(await summaryOf(service.front));
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    for (const caller of service.instances) {
      for (const path of ["/payments", "/purge-payments", SIMULATED, `/doubts/${newPayment().correlationId}`])
        expect((await caller.ask("GET", path, { headers })).status, path).to.equal(405);
      expect((await caller.ask("GET", "/log-level?level=trace", { headers })).body).to.include('"level":"silent"');
    }
    expect(countOf(await summaryOf(service.front))).to.equal(before);
  });

  it("are given no leave when they ask for it first, and read no answer", async () => {
    for (const caller of service.instances) {
      for (const [method, path] of [
        ["POST", "/payments"],
        ["POST", "/purge-payments"],
        ["PUT", SIMULATED],
        ["PUT", "/log-level"],
        ["POST", `/doubts/${newPayment().correlationId}`],
        ["GET", "/metrics"],
        ["GET", "/payments-summary"],
      ] as const) {
        const headers = { origin: "http://evil.example", "access-control-request-method": method };
        for (const asked of ["OPTIONS", "GET"]) {
          const answer = await caller.ask(asked, path, { headers });
          const leave = Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"));
          expect(leave, `${asked} ${path}`).to.deep.equal([]);
        }
      }
    }
  });

  it("are told from our own, which may do all of it", async () => {
    const headers = { ...JSON_TYPE, origin: `http://${host()}`, "sec-fetch-site": "same-origin" };
    const body = bodyOf(newPayment());
    expect((await service.front.ask("POST", "/payments", { headers, body })).status).to.equal(202);
    expect((await service.front.ask("PUT", SIMULATED, { headers, body: '{"delayMs":0}' })).status).to.equal(200);
    expect((await service.front.ask("POST", "/purge-payments", { headers })).status).to.equal(200);
    expect((await pay(service.front, newPayment())).status).to.equal(202);
  });
});
