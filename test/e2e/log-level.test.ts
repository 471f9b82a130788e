import { expect } from "chai";
import { bodyOf, instanceOf, newPayment, newPaymentOf, pay, payMany } from "./payments.ts";
import { Service } from "./service.ts";
import { untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

type Line = { level: number; instance: number; msg: string; correlationId?: string; reason?: string };

const DEBUG = 20;

describe("log level", () => {
  let service: Service;
  let lines: Line[] = [];

  before(async () => {
    const hooks = {
      onLine(name: string, _stream: string, text: string) {
        if (name.startsWith("instance-")) lines.push(JSON.parse(text) as Line);
      },
    };
    service = await Service.start({ env: { LOG_LEVEL: "warn" }, hooks });
  });

  beforeEach(() => {
    lines = [];
  });

  after(() => service?.stop());

  async function setLevel(instance: number, level: string): Promise<void> {
    const body = JSON.stringify({ level });
    const answer = await service.instances[instance - 1]!.ask("PUT", "/log-level", { body });
    expect([answer.status, JSON.parse(answer.body)]).to.deep.equal([200, { level, configured: "warn" }]);
  }

  it("is changed by PUT /log-level, at one instance, without a restart", async () => {
    await setLevel(1, "debug");
    const noisy = newPaymentOf(1);
    const quiet = newPaymentOf(2);
    await payMany(service.front, [quiet, noisy]);
    await pay(service.front, noisy);
    await pay(service.front, { ...noisy, cents: 1 });
    await untilProcessed(service, 2);
    const told = (): string[] =>
      lines.filter(({ correlationId }) => correlationId === noisy.correlationId).map(({ msg }) => msg);
    await until("all of it is written", () => told().length >= 4);
    expect(told()).to.have.members([
      "payment accepted",
      "payment repeated",
      "payment refused: conflict",
      "payment processed",
    ]);
    expect(lines.filter(({ correlationId }) => correlationId === quiet.correlationId)).to.deep.equal([]);
    await setLevel(1, "warn");
    lines = [];
    await payMany(service.front, [newPaymentOf(1)]);
    await untilProcessed(service, 3);
    await service.topology.restart("instance-1");
    await service.untilAtHome();
    expect(lines.filter(({ level }) => level <= DEBUG)).to.deep.equal([]);
  });

  it("debug tells why a payment was refused, and names it where it is known", async () => {
    await setLevel(2, "debug");
    const [, second] = service.instances;
    await second!.ask("POST", "/payments", { body: "{" });
    await second!.ask("POST", "/payments", { body: bodyOf(newPayment(0)) });
    await second!.ask("POST", "/payments", { body: " ".repeat(9000) });
    await until("all of it is written", () => lines.filter(({ msg }) => msg === "payment refused").length >= 3);
    expect(lines.filter(({ reason }) => reason).map(({ reason }) => reason)).to.deep.equal([
      "invalid_body",
      "invalid_amount",
      "too_large",
    ]);
    await setLevel(2, "warn");
  });

  it("is told by GET, and stays as it is when the request is wrong", async () => {
    const [caller] = service.instances;
    const wrong: [string, string | undefined, RegExp][] = [
      ["", "body", /valid JSON/],
      ["{", "body", /valid JSON/],
      ["[]", "level", /required/],
      ["null", "level", /required/],
      ["{}", "level", /required/],
      ['{"level":"loud"}', "level", /must be one of trace, debug.*level="loud"/],
      ['{"level":30}', "level", /must be one of.*level=30/],
      ['{"level":"toString"}', "level", /must be one of/],
    ];
    for (const [body, field, detail] of wrong) {
      const answer = await caller!.ask("PUT", "/log-level", { body });
      expect(answer.status, body).to.equal(400);
      expect(answer.headers["content-type"]).to.equal("application/problem+json");
      expect(JSON.parse(answer.body)).to.include({ status: 400, field });
      expect(JSON.parse(answer.body).detail).to.match(detail);
    }
    expect((await caller!.ask("PUT", "/log-level", { body: " ".repeat(2000) })).status).to.equal(413);
    const refused = await caller!.ask("DELETE", "/log-level");
    expect([refused.status, refused.headers["allow"]]).to.deep.equal([405, "GET, PUT"]);
    expect(JSON.parse((await caller!.get("/log-level")).body)).to.deep.equal({ level: "warn", configured: "warn" });
  });

  it("is toggled to debug and back by SIGUSR2", async () => {
    const payment = newPayment();
    const name = `instance-${instanceOf(payment)}` as const;
    service.topology.signal(name, "SIGUSR2");
    await until("the instance says so", () => lines.some(({ msg }) => msg === "log level changed by signal"));
    await payMany(service.front, [payment]);
    await until("it tells of the payment", () =>
      lines.some(({ msg, correlationId }) => msg === "payment accepted" && correlationId === payment.correlationId),
    );
    service.topology.signal(name, "SIGUSR2");
    const caller = service.instances[instanceOf(payment) - 1]!;
    await until("it is quiet again", async () => {
      return JSON.parse((await caller.get("/log-level")).body).level === "warn";
    });
  });
});
