import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import pino from "pino";
import { Engine } from "../../../core/engine.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import { makeJournal } from "../../../perf/lab/recovery/journal-maker.ts";
import { JournalStore } from "../../../server/journal/journal-store.ts";
import type { Storage } from "../../../server/store/store.ts";
import { RealDisk } from "../../../server/system/real-disk.ts";
import { RealTime } from "../../../server/system/time.ts";
import { NOON_MS } from "../../support/payments.ts";
import { TWO_NAMES, twoTerms } from "../../support/terms.ts";

/** Many times what is read at once, after which the process may take a turn. */
const PAYMENTS = 200_000;

/** Time that has always passed, so that a replay takes every turn it may. */
class HastyTime extends RealTime {
  onTurn: () => void = () => {};
  #ms = 0;

  override monotonicMs(): number {
    this.#ms += 1000;
    return this.#ms;
  }

  override atEndOfTurn(run: () => void): void {
    this.onTurn();
    super.atEndOfTurn(run);
  }
}

describe("a replay", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-replay-"));
    makeJournal(folder, PAYMENTS, NOON_MS);
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function open(time = new RealTime(), signal?: AbortSignal): { engine: Engine; opened: Promise<Storage> } {
    const engine = new Engine(Ways.open(new HealthSnapshot(2), twoTerms(16)), {
      partition: 0,
      capacity: PAYMENTS,
      seed: 1,
      giveUpAfterMs: 60_000,
      settleWithinMs: 0,
      answerWithinMs: 2000,
      waitsForSlow: true,
    });
    const surroundings = { disk: new RealDisk(), time, logger: pino({ level: "silent" }) };
    const options = {
      dataDir: folder,
      partitionCount: 1,
      instanceCount: 1,
      capacity: PAYMENTS,
      processors: TWO_NAMES,
      segmentBytes: 2 ** 26,
      syncs: false,
    };
    const opened = JournalStore.open(surroundings, options).then(async (store) => {
      const claim = (await store.claim(0))!;
      const onBroken = (error: Error) => expect.fail(error.message);
      return claim.open(engine.ledger, { signal, onBroken }).catch(async (error: Error) => {
        await claim.release();
        throw error;
      });
    });
    return { engine, opened };
  }

  it("is given up in its middle when the process is to stop, and leaves everything as it was", async () => {
    const before = readdirSync(join(folder, "partition-1"));
    const stopping = new AbortController();
    const time = new HastyTime();
    let turnCount = 0;
    time.onTurn = () => {
      if (++turnCount === 3) stopping.abort();
    };
    const { engine, opened } = open(time, stopping.signal);
    const error = await opened.catch((reason: Error) => reason);
    expect(error).to.have.property("name", "AbortError");
    expect(turnCount).to.equal(3);
    expect(engine.ledger.size).to.be.within(1, PAYMENTS - 1);
    expect(readdirSync(join(folder, "partition-1"))).to.deep.equal(before);
  });

  it("finds everything the next time", async () => {
    const { engine, opened } = open();
    const storage = await opened;
    expect(engine.ledger.size).to.equal(PAYMENTS);
    await storage.close();
  });
});
