import { expect } from "chai";
import { newPayment, payMany, untilState } from "./payments.ts";
import { Service } from "./service.ts";
import { untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

type LogLine = {
  level: number;
  time: number;
  instance: number;
  msg: string;
  correlationId?: string;
  processor?: string;
  ms?: number;
  outcome?: string;
};

const INFO = 30;
const WARN = 40;

describe("logs", () => {
  let service: Service;
  const lines: { name: string; text: string; stream: string }[] = [];

  before(async () => {
    const hooks = {
      onLine(name: string, stream: string, text: string) {
        if (name.startsWith("instance-")) lines.push({ name, stream, text });
      },
    };
    service = await Service.start({ env: { LOG_LEVEL: "info", GIVE_UP_AFTER_MS: "2000" }, hooks });
  });

  after(() => service?.stop());

  function parsed(): LogLine[] {
    return lines.map(({ text }) => JSON.parse(text) as LogLine);
  }

  function linesOf(correlationId: string): LogLine[] {
    return parsed().filter((line) => line.correlationId === correlationId);
  }

  it("have one line for every payment that was processed", async () => {
    const payments = Array.from({ length: 100 }, () => newPayment());
    await payMany(service.front, payments);
    await untilProcessed(service, payments.length);
    await until("the lines are written out", () =>
      payments.every(({ correlationId }) => linesOf(correlationId).length > 0),
    );
    for (const { correlationId } of payments) {
      const [line, ...more] = linesOf(correlationId);
      expect(more).to.deep.equal([]);
      expect(line).to.include({ level: INFO, processor: "default", outcome: "charged", msg: "payment processed" });
      expect(line!.ms).to.be.a("number").and.be.at.least(0);
    }
  });

  it("tell once when a processor goes down, and once when it is back", async () => {
    service.processors.default.settings.failing = true;
    const payments = Array.from({ length: 20 }, () => newPayment());
    await payMany(service.front, payments);
    await untilState(service.front, payments, "processed");
    const news = (): LogLine[] => parsed().filter(({ level }) => level === WARN);
    await until("both instances tell that it is down", () => news().length >= 2);
    service.processors.default.settings.failing = false;
    await until("both instances tell that it is back", async () => {
      await payMany(service.front, [newPayment(), newPayment()]);
      return news().length >= 4;
    });
    for (const instance of [1, 2]) {
      const told = news().filter((line) => line.instance === instance);
      expect(told.map(({ msg }) => msg)).to.deep.equal(["processor down", "processor back"]);
      expect(new Set(told.map(({ processor }) => processor))).to.deep.equal(new Set(["default"]));
    }
  });

  it("have one line for a payment that was given up", async () => {
    for (const { settings } of Object.values(service.processors)) settings.failing = true;
    const payment = newPayment();
    await payMany(service.front, [payment]);
    await untilState(service.front, [payment], "failed");
    await until("the line is written out", () => linesOf(payment.correlationId).length > 0);
    expect(linesOf(payment.correlationId)).to.have.length(1);
    expect(linesOf(payment.correlationId)[0]).to.include({ level: INFO, msg: "payment failed: gave up" });
  });

  it("are JSON, a line each, with time and instance, and all of it on the standard output", async () => {
    await service.topology.restart("instance-1");
    expect(lines.filter(({ stream }) => stream !== "stdout")).to.deep.equal([]);
    for (const [i, { time, instance, level, msg }] of parsed().entries()) {
      expect(lines[i]!.name).to.equal(`instance-${instance}`);
      expect(new Date(time).getFullYear()).to.be.above(2000);
      expect(level).to.be.a("number");
      expect(msg).to.be.a("string");
    }
    const own = parsed()
      .filter(({ instance }) => instance === 1)
      .map(({ msg }) => msg);
    expect(own).to.include.members(["listening", "stopping", "stopped"]);
  });
});
