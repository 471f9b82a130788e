import { expect } from "chai";
import { BATCH_RECORDS } from "../../../core/log/record.ts";
import * as State from "../../../core/values/state.ts";
import { JournalMeters, Meters } from "../../../server/meters/meters.ts";
import { AttemptLog } from "../../../server/sending/attempt-log.ts";
import { Dispatcher } from "../../../server/sending/dispatcher.ts";
import { SendPacer } from "../../../server/sending/send-pacer.ts";
import type { Network } from "../../../server/system/network.ts";
import { SlewedClock } from "../../../server/turn/clock.ts";
import { GroupCommit } from "../../../server/turn/group-commit.ts";
import { EngineLife, NOON_MS } from "../../support/engine-life.ts";
import { logOf } from "../../support/memory-log.ts";
import { uuid } from "../../support/payments.ts";
import { processorAt } from "../../support/targets.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

/** Nothing leaves for it: whoever connects anyway fails the test. */
const NO_NETWORK: Network = {
  connect: () => {
    throw new Error("nothing may leave");
  },
};

describe("dispatcher", () => {
  it("chooses nothing more once a batch that became half full in its midst could not be written", () => {
    const { engine } = new EngineLife({ capacity: 10_000 });
    const time = new VirtualTime();
    const { log } = logOf("silent");
    const clock = new SlewedClock(time);
    let isFull = false;
    const commit = new GroupCommit({
      engine,
      log: {
        lsn: 0,
        append: () => (isFull ? new Error("no space") : undefined),
        probe: () => !isFull,
        sync: () => {},
        close: () => {},
      },
      syncs: false,
      time,
      logger: log.logger,
      meters: new JournalMeters(),
    });
    const dispatcher = new Dispatcher({
      engine,
      clock,
      commit,
      pacer: new SendPacer(engine.ledger.head),
      attemptLog: new AttemptLog(engine, log, new Meters(2)),
      time,
      network: NO_NETWORK,
      processors: [processorAt("http://processor-default:8080"), processorAt("http://processor-fallback:8080")],
      requestTimeoutMs: 1000,
      meters: new Meters(2),
    });
    const written = 100;
    for (let n = 0; n < written; n++) engine.accept(uuid(n), 0, 1, NOON_MS);
    expect(commit.commit()).to.equal(true);
    isFull = true;
    for (let n = 0; n < BATCH_RECORDS / 2 - 1; n++) engine.accept(uuid(written + n), 0, 1, NOON_MS);
    dispatcher.gather();
    expect(commit.isFailing).to.equal(true);
    commit.commit();
    const { ledger } = engine;
    expect([ledger.size, ledger.countIn(State.PENDING), engine.hasDoubts]).to.deep.equal([written, written, false]);
    expect(dispatcher.requestCount).to.equal(0);
  });
});
