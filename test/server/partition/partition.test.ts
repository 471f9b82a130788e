import { expect } from "chai";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import { acceptPayment } from "../../../server/api/payment-ack.ts";
import type { Answer } from "../../../server/http/answer.ts";
import { Meters } from "../../../server/meters/meters.ts";
import { partsOf } from "../../../server/partition/carried-partitions.ts";
import { Partition } from "../../../server/partition/partition.ts";
import { PaymentBody } from "../../../server/payments/payment-body.ts";
import { type Config, readConfig } from "../../../server/settings/config.ts";
import type { Claim, Storage } from "../../../server/store/store.ts";
import type { WireEvents } from "../../../server/system/network.ts";
import { SlewedClock } from "../../../server/turn/clock.ts";
import { FencedError } from "../../../server/turn/record-log.ts";
import { LateLog } from "../../support/late-log.ts";
import { logOf } from "../../support/memory-log.ts";
import { twoTerms } from "../../support/terms.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

const EVER = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
const correlationId = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** A partition over a log that answers when it is told to, and processors that never answer. */
class Life {
  readonly time = new VirtualTime();
  readonly log = new LateLog();
  readonly lost: number[] = [];
  readonly broken: Error[] = [];
  readonly answers: string[] = [];
  readonly wires = new Set<WireEvents>();
  readonly ways = Ways.open(new HealthSnapshot(2), twoTerms(100));
  epoch = 3;
  isClosed = false;
  partition!: Partition;
  readonly #body = new PaymentBody();

  async open(canBeLost = true): Promise<this> {
    const config = readConfig({}) as Config;
    const surroundings = {
      ways: this.ways,
      engineOptions: config,
      processors: config.processors,
      requestTimeoutMs: config.requestTimeoutMs,
      syncs: false,
      time: this.time,
      clock: new SlewedClock(this.time),
      network: { connect: (_host: string, _port: number, events: WireEvents) => this.#connect(events) },
      log: logOf("silent").log,
      meters: new Meters(2),
      body: this.#body,
      onBroken: (error: Error) => void this.broken.push(error),
      onLost: canBeLost ? (partition: number) => void this.lost.push(partition) : undefined,
    };
    this.partition = await Partition.open(this.#claim(), surroundings, undefined, new AbortController().signal);
    this.partition.begin();
    return this;
  }

  pay(n: number): void {
    const { service } = this.partition;
    const bytes = Buffer.from(JSON.stringify({ correlationId: correlationId(n), amount: 19.9 }));
    expect(this.#body.parse(bytes)).to.equal(undefined);
    acceptPayment(service, {
      answer: (answer) => this.answers.push(`${n}: ${textOf(answer)}`),
      answerAccepted: () => this.answers.push(`${n}: 202`),
    });
  }

  pass(ms: number): Promise<void> {
    return this.time.passUntil(this.time.nowMs + ms);
  }

  #connect(events: WireEvents) {
    this.wires.add(events);
    this.time.after(1, () => this.wires.has(events) && events.connected());
    return {
      send: () => {},
      close: () => {
        this.time.after(0, () => this.wires.delete(events) && events.closed(undefined));
      },
    };
  }

  #claim(): Claim {
    const life = this;
    const storage: Storage = {
      log: this.log,
      get epoch() {
        return life.epoch;
      },
      latestMs: 0,
      beginUpkeep: () => {},
      maintain: () => {},
      endUpkeep: async () => {},
      close: async () => {
        life.isClosed = true;
      },
    };
    return { partition: 5, capacity: 100, paymentsExpected: 0, open: async () => storage, release: async () => {} };
  }
}

function textOf({ status, body }: Answer): string {
  const { accepted } = JSON.parse(String(body)) as { accepted?: string };
  return `${status} ${accepted}`;
}

describe("a partition whose right can be lost", () => {
  it("has its storage's number, as it is now, in its parts as well", async () => {
    const life = await new Life().open();
    const { partition } = life;
    expect(partition.epoch).to.equal(3);
    const carried = {
      at: () => partition.service,
      partitionOf: () => 5,
      all: () => [
        {
          partition: 5,
          service: partition.service,
          get epoch() {
            return partition.epoch;
          },
        },
      ],
      wasStopped: false,
    };
    const told = partsOf(carried, EVER);
    // While the part waits for the log, the number rises.
    life.epoch = 4;
    while (life.log.underWay.length > 0) life.log.answer("written");
    await life.pass(30);
    while (life.log.underWay.length > 0) life.log.answer("written");
    const parts = await told;
    expect(parts).to.have.length(1);
    expect(parts[0]).to.include({ partition: 5, epoch: 4 });
    expect(partition.epoch).to.equal(4);
  });

  it("says so where its log is refused for another's, and ends the process where that must not be", async () => {
    for (const canBeLost of [true, false]) {
      const life = await new Life().open(canBeLost);
      life.pay(1);
      await life.pass(1);
      life.log.answer(new FencedError("epoch=4"));
      expect(life.answers).to.deep.equal(["1: 503 unknown"]);
      expect([life.lost, life.broken.map(({ message }) => message)]).to.deep.equal(
        canBeLost ? [[5], []] : [[], ["epoch=4"]],
      );
    }
  });

  it("writes, sends and answers nothing from then on, whatever was under way, and leaves at once", async () => {
    const life = await new Life().open();
    const { partition, log } = life;
    life.pay(1);
    await life.pass(1);
    log.answer("written");
    await life.pass(1);
    while (log.underWay.length > 0) log.answer("written");
    await life.pass(20);
    while (log.underWay.length > 0) log.answer("written");
    await life.pass(20);
    expect([life.answers, life.wires.size]).to.deep.equal([["1: 202"], 1]);
    life.pay(2);
    await life.pass(1);
    life.pay(3);
    expect(log.underWay.length).to.equal(1);
    partition.abandon();
    // Nobody knows of the one that is under way, nor is the other known not to be.
    expect(life.answers.slice(1)).to.deep.equal(["2: 503 unknown", "3: 503 unknown"]);
    expect(await partition.service.summaryPart(EVER)).to.equal(undefined);
    await Promise.all([partition.leave(), life.pass(5)]);
    expect([life.isClosed, life.wires.size, log.underWay.length]).to.deep.equal([true, 0, 1]);
    log.answer("written");
    await life.pass(60_000);
    expect([life.answers.length, life.wires.size, log.underWay.length]).to.deep.equal([3, 0, 0]);
    expect(life.ways.gates.map(({ inFlightCount }) => inFlightCount)).to.deep.equal([0, 0]);
    expect([life.lost, life.broken]).to.deep.equal([[], []]);
  });
});
