import { expect } from "chai";
import * as Outcome from "../../../core/values/outcome.ts";
import { StuckWatch } from "../../../server/doubts/stuck-watch.ts";
import { DoubtLife } from "../../support/doubt-life.ts";
import { NOON_MS } from "../../support/engine-life.ts";
import { logOf } from "../../support/memory-log.ts";
import { beginRestored } from "../../support/restored-life.ts";

const idOf = (n: number): string => `4a7901b8-7d26-4d9d-aa19-${n.toString(16).padStart(12, "0")}`;

type Line = { level: number; msg: string; count: number; correlationId?: string; payments?: unknown[] };

describe("payments in doubt that become stuck", () => {
  function watched(): { life: DoubtLife; look: (atMs: number) => Line[] } {
    const life = new DoubtLife();
    const { log, lines } = logOf();
    const watch = new StuckWatch(life.engine, log);
    const look = (atMs: number): Line[] => {
      watch.look(NOON_MS + atMs);
      return lines.splice(0).map((line) => JSON.parse(line) as Line);
    };
    return { life, look };
  }

  it("are told of once, by name", () => {
    const { life, look } = watched();
    life.doubtful(10, idOf(1));
    expect(look(12)).to.deep.equal([]);
    const atMs = life.askInVain(16);
    const [line, ...more] = look(atMs);
    expect(line).to.include({ level: 40, count: 1, correlationId: idOf(1), processor: "default" });
    expect([more, look(atMs + 1), look(atMs + 400_000)]).to.deep.equal([[], [], []]);
  });

  it("are told of in one line when there are many, with some of their names", () => {
    const { life, look } = watched();
    life.manyDoubtful(
      Array.from({ length: 10 }, (_, n) => idOf(n)),
      1000,
      Outcome.TIMED_OUT,
    );
    const told = [303_500, 303_501, 400_000, 500_000].map((atMs) =>
      look(atMs).map(({ count, payments }) => [count, payments?.length]),
    );
    expect(told).to.deep.equal([[[4, 4]], [], [[6, 5]], []]);
  });

  it("are told of in a line of their own where they are held, once, with what is known of them", () => {
    const { life, look } = watched();
    beginRestored(life, { watchUntilMs: Number.POSITIVE_INFINITY });
    life.accept(200, idOf(5), 100);
    expect(look(300_100)).to.deep.equal([]);
    const [line, ...more] = look(300_101);
    expect([line!.count, line!.msg, more]).to.deep.equal([
      3,
      "payments have long been held: an operator can settle them, see npm run doubts",
      [],
    ]);
    const processors = (line!.payments as { processor?: string }[]).map(({ processor }) => processor);
    expect(processors).to.deep.equal(["default", "default", undefined]);
    expect([look(300_102), look(300_201).map(({ correlationId }) => correlationId)]).to.deep.equal([[], [idOf(5)]]);
  });

  it("are told of anew in a place that another was told of in before", () => {
    const { life, look } = watched();
    life.doubtful(10, idOf(1));
    const firstMs = life.askInVain(16);
    expect(look(firstMs)).to.have.length(1);
    life.settle(life.nextAskMs(firstMs), life.lastFlight, Outcome.FOUND);
    life.doubtful(firstMs + 60_000, idOf(2));
    expect(look(life.askInVain(16)).map(({ correlationId }) => correlationId)).to.deep.equal([idOf(2)]);
  });
});
