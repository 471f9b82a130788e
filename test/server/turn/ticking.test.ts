import { expect } from "chai";
import { SlewedClock } from "../../../server/turn/clock.ts";
import type { GroupCommit } from "../../../server/turn/group-commit.ts";
import { Ticking } from "../../../server/turn/ticking.ts";
import { EngineLife } from "../../support/engine-life.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

class Fixture {
  readonly time = new VirtualTime();
  readonly counts = { woken: 0, retried: 0, expired: 0, noted: 0, looked: 0 };
  isFailing = false;
  hasWork = false;
  readonly gaveUp: number[] = [];
  readonly life = new EngineLife({ giveUpAfterMs: 1000 });
  readonly ticking: Ticking;

  constructor() {
    const { counts } = this;
    const fixture = this;
    const commit = {
      get isFailing() {
        return fixture.isFailing;
      },
      wake: () => counts.woken++,
      retry: () => counts.retried++,
      noteLate: () => {},
    };
    this.ticking = new Ticking({
      engine: this.life.engine,
      clock: new SlewedClock(this.time),
      commit: commit as unknown as GroupCommit,
      time: this.time,
      sending: {
        get hasWork() {
          return fixture.hasWork;
        },
        expire: () => counts.expired++,
      },
      notes: { gaveUp: (slot) => this.gaveUp.push(slot), noteHealth: () => counts.noted++ },
      stuckWatch: { look: () => counts.looked++ },
    });
  }
}

describe("ticking", () => {
  it("expires requests, looks at processors every 20 ms, the journal every 200, doubts every second", async () => {
    const { time, counts } = new Fixture();
    await time.passUntil(2005);
    expect(counts).to.deep.equal({ woken: 0, retried: 10, expired: 100, noted: 100, looked: 2 });
  });

  it("wakes the turn only while there is something to be sent or written", async () => {
    const fixture = new Fixture();
    fixture.hasWork = true;
    await fixture.time.passUntil(105);
    expect(fixture.counts.woken).to.equal(5);
    fixture.hasWork = false;
    await fixture.time.passUntil(205);
    expect(fixture.counts.woken).to.equal(5);
    fixture.life.accept(fixture.time.wallMs(), "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3", 1);
    await fixture.time.passUntil(305);
    expect(fixture.counts.woken).to.equal(10);
  });

  it("gives nothing up while the journal cannot take it", async () => {
    const fixture = new Fixture();
    fixture.isFailing = true;
    const slot = fixture.life.accept(0, "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3", 1);
    fixture.life.engine.batches.nextWritten();
    await fixture.time.passUntil(2005);
    expect(fixture.gaveUp).to.deep.equal([]);
    fixture.isFailing = false;
    await fixture.time.passUntil(2025);
    expect(fixture.gaveUp).to.deep.equal([slot]);
  });

  it("does nothing more once it is closed", async () => {
    const fixture = new Fixture();
    await fixture.time.passUntil(45);
    fixture.ticking.close();
    await fixture.time.passUntil(500);
    expect(fixture.counts.expired).to.equal(2);
  });
});
