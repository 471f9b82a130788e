import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { monotonicClock } from "../../perf/processor/clock.ts";
import { InsertPool } from "../../perf/processor/insert-pool.ts";
import { messageJson } from "../../perf/processor/json-text.ts";
import { Random } from "../../perf/processor/random.ts";
import { TimerSlack } from "../../perf/processor/timer-slack.ts";

describe("processor inserts", () => {
  let pool: InsertPool;
  let outcomes: string[];

  function start(connectionCountMax: number, waitMsMax: number): void {
    pool = new InsertPool({ connectionCountMax, waitMsMax }, monotonicClock);
    outcomes = [];
  }

  function insert(name: string, insertMs: number): void {
    pool.insert(insertMs, (outcome) => outcomes.push(`${name} ${outcome}`));
  }

  async function untilCount(count: number): Promise<void> {
    for (let i = 0; i < 400 && outcomes.length < count; i++) await sleep(5);
    expect(outcomes).to.have.length(count);
  }

  afterEach(() => pool.close());

  it("take place at once when they take no time and a connection is free", () => {
    start(1, 1000);
    for (const name of ["a", "b", "c"]) insert(name, 0);
    expect(outcomes).to.deep.equal(["a inserted", "b inserted", "c inserted"]);
  });

  it("wait for a connection in the order they came", async () => {
    start(1, 10_000);
    insert("a", 40);
    for (const name of ["b", "c"]) insert(name, 0);
    expect(outcomes).to.deep.equal([]);
    await untilCount(3);
    expect(outcomes).to.deep.equal(["a inserted", "b inserted", "c inserted"]);
  });

  it("that find no connection in time never take place, and the others do", async () => {
    start(2, 100);
    insert("a", 300);
    insert("b", 50);
    insert("c", 0);
    insert("d", 300);
    insert("e", 0);
    await untilCount(5);
    expect(outcomes).to.deep.equal(["b inserted", "c inserted", "e exhausted", "a inserted", "d inserted"]);
    insert("f", 0);
    expect(outcomes.at(-1)).to.equal("f inserted");
  });
});

describe("processor randomness", () => {
  it("is the same for the same seed, and even", () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 10_000 }, () => random.next());
    };
    const drawn = draw(1);
    expect(draw(1)).to.deep.equal(drawn);
    expect(draw(2)).to.not.deep.equal(drawn);
    for (let decile = 0; decile < 10; decile++) {
      const count = drawn.filter((value) => Math.floor(value * 10) === decile).length;
      expect(count, `decile ${decile}`).to.be.within(850, 1150);
    }
  });

  it("lets timers ring late by any whole millisecond up to the bound", () => {
    const slack = new TimerSlack(3);
    expect(new Set(Array.from({ length: 200 }, () => slack.nextMs()))).to.deep.equal(new Set([0, 1, 2, 3]));
    expect(new TimerSlack(0).nextMs()).to.equal(0);
  });
});

describe("processor messages", () => {
  it("are escaped as .NET does, and say the same to any reader of JSON", () => {
    const cases = [
      ["plain text 1.5", '{"message":"plain text 1.5"}'],
      [`"it's" <b>&`, '{"message":"\\u0022it\\u0027s\\u0022 \\u003Cb\\u003E\\u0026"}'],
      ["a\\", '{"message":"a\\\\"}'],
      ['\\"\n', '{"message":"\\\\\\u0022\\n"}'],
      ["é€+`", '{"message":"\\u00E9\\u20AC\\u002B\\u0060"}'],
    ] as const;
    for (const [message, json] of cases) {
      expect(messageJson(message)).to.equal(json);
      expect(JSON.parse(json)).to.deep.equal({ message });
    }
  });
});
