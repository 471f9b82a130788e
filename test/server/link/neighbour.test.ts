import { expect } from "chai";
import pino from "pino";
import type { StreamEnd, StreamEvents } from "../../../server/link/bulletin-stream.ts";
import { Neighbour } from "../../../server/link/neighbour.ts";
import type { Bulletin } from "../../../server/partition/neighbours.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

const BULLETIN: Bulletin = { instance: 1, life: "a", upMs: 0, isLeaving: false, carries: [] };

/** A neighbour whose connections are told by the test what happens to them. */
class Scene {
  readonly time = new VirtualTime();
  /** When each connection was begun. */
  readonly beganAtMs: number[] = [];
  /** What the neighbour was like after each change. */
  readonly changes: string[] = [];
  readonly neighbour: Neighbour;
  closedCount = 0;
  /** What comes of a connection at once, if anything. */
  fate: StreamEnd | undefined;
  #events: StreamEvents | undefined;
  #close: () => void = () => {};

  constructor(fate?: StreamEnd) {
    const { time } = this;
    this.fate = fate;
    this.neighbour = new Neighbour({
      instance: 1,
      time,
      logger: pino({ level: "silent" }),
      open: (events) => this.#open(events),
      onChange: () => this.changes.push(`${this.neighbour.standing} ${this.neighbour.bulletin?.life ?? "-"}`),
    });
  }

  get openCount(): number {
    return this.beganAtMs.length - this.closedCount;
  }

  #open(events: StreamEvents): { close(): void } {
    this.beganAtMs.push(this.time.nowMs);
    let isClosed = false;
    const close = (): void => {
      if (!isClosed) this.closedCount++;
      isClosed = true;
    };
    this.#events = events;
    this.#close = close;
    const { fate } = this;
    if (fate) this.time.after(0, () => !isClosed && this.end(fate));
    return { close };
  }

  hear(what: Partial<Bulletin> = {}): void {
    this.#events!.onBulletin({ ...BULLETIN, ...what });
  }

  end(end: StreamEnd): void {
    this.#close();
    this.#events!.onEnd(end);
  }

  pass(ms: number): Promise<void> {
    return this.time.passUntil(this.time.nowMs + ms);
  }

  async beat(ms: number): Promise<void> {
    for (const untilMs = this.time.nowMs + ms; this.time.nowMs < untilMs; ) {
      this.hear({ upMs: this.time.nowMs });
      await this.pass(200);
    }
  }
}

describe("a neighbour", () => {
  let scene: Scene;

  beforeEach(() => {
    scene = new Scene();
  });
  afterEach(() => {
    scene.neighbour.close();
  });

  /** Begins again, with a first connection that this comes of. */
  function renew(fate: StreamEnd): void {
    scene.neighbour.close();
    scene = new Scene(fate);
  }

  it("is up as long as it says something, and says nothing new by its heartbeat", async () => {
    expect(scene.neighbour.standing).to.equal("unknown");
    await scene.beat(10_000);
    expect(scene.changes).to.deep.equal(["up a"]);
    expect(scene.neighbour.bulletin?.upMs).to.equal(9800);
    scene.hear({ isLeaving: true });
    expect(scene.changes).to.deep.equal(["up a", "up a"]);
    expect(scene.beganAtMs).to.deep.equal([0]);
  });

  it("is silent after a second without a word, on the same connection, and keeps its bulletin", async () => {
    await scene.beat(2000);
    await scene.pass(799);
    expect(scene.changes).to.deep.equal(["up a"]);
    await scene.pass(2);
    expect(scene.changes).to.deep.equal(["up a", "silent a"]);
    expect(scene.beganAtMs).to.deep.equal([0]);
    scene.hear();
    expect(scene.changes.at(-1)).to.equal("up a");
  });

  it("is silent when it takes the connection and has never said anything", async () => {
    await scene.pass(1001);
    expect(scene.changes).to.deep.equal(["silent -"]);
  });

  it("is connected to anew now and then while it is silent: its machine may have come back", async () => {
    await scene.beat(1000);
    await scene.pass(30_000);
    expect(scene.beganAtMs.length).to.be.within(5, 7);
    expect(scene.openCount).to.equal(1);
    expect(scene.changes).to.deep.equal(["up a", "silent a"]);
  });

  it("that has ended is connected to at once, and is down at the first refusal, without its bulletin", async () => {
    await scene.beat(1000);
    scene.fate = { kind: "refused" };
    scene.end({ kind: "broken" });
    expect(scene.beganAtMs).to.deep.equal([0, 1000]);
    await scene.pass(1);
    expect(scene.changes).to.deep.equal(["up a", "down -"]);
    await scene.pass(1000);
    expect(scene.beganAtMs.slice(1)).to.deep.equal([1000, 1050, 1150, 1350, 1750]);
    await scene.pass(60_000);
    expect(scene.changes).to.deep.equal(["up a", "down -"]);
    expect(scene.openCount).to.equal(0);
  });

  it("that was down and takes connections without a word is silent after a second", async () => {
    renew({ kind: "refused" });
    await scene.pass(500);
    scene.fate = undefined;
    await scene.pass(800);
    expect(scene.changes).to.deep.equal(["down -"]);
    await scene.pass(200);
    expect(scene.changes).to.deep.equal(["down -", "silent -"]);
  });

  it("whose queue of connections is full is silent, not down, and keeps its bulletin", async () => {
    await scene.beat(1000);
    scene.fate = { kind: "broken" };
    scene.end({ kind: "broken" });
    await scene.pass(2000);
    expect(scene.changes).to.deep.equal(["up a", "silent a"]);
    expect(scene.beganAtMs.length).to.be.within(35, 45);
  });

  it("that was started again without a refusal in between is told by its life", async () => {
    await scene.beat(1000);
    scene.end({ kind: "broken" });
    scene.hear({ life: "b" });
    expect(scene.changes).to.deep.equal(["up a", "up b"]);
  });

  it("whose streams end as soon as they began is not connected to without a pause", async () => {
    for (let round = 0; round < 100; round++) {
      if (scene.openCount > 0) {
        scene.hear();
        scene.end({ kind: "broken" });
      }
      await scene.pass(10);
    }
    expect(scene.beganAtMs.length).to.be.within(15, 25);
  });

  it("in whose place somebody else answers is asked every second, and silent", async () => {
    renew({ kind: "strange", reason: "status=404" });
    await scene.pass(10_000);
    expect(scene.changes).to.deep.equal(["silent -"]);
    expect(scene.beganAtMs.length).to.be.within(9, 12);
  });

  it("is left alone once closed, also from within what it reports", async () => {
    renew({ kind: "refused" });
    scene.changes.push = () => {
      scene.neighbour.close();
      return 0;
    };
    await scene.pass(10_000);
    expect(scene.beganAtMs).to.deep.equal([0]);
    expect(scene.openCount).to.equal(0);
  });
});
