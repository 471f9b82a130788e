import { expect } from "chai";
import { Engine } from "../../../core/engine.ts";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { RECORD_BYTES } from "../../../core/log/record.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import { ChunkReader, LostPlaceError } from "../../../server/lease/chunk-reader.ts";
import type { Append } from "../../../server/lease/database.ts";
import { LeaseFollowing } from "../../../server/lease/lease-following.ts";
import { DatabaseBench } from "../../simulation/database-bench.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { failure } from "../../support/processes.ts";
import { TWO_NAMES, twoTerms } from "../../support/terms.ts";

const CAPACITY = 8;

describe("LeaseFollowing", () => {
  it("reads along what is appended, from where it was", async () => {
    const bench = await new DatabaseBench().claimed();
    const following = followed(bench);
    await bench.of(bench.one.append([accepting(1, 0)]));
    expect(await bench.of(following.catchUp())).to.equal(1);
    expect(await bench.of(following.catchUp())).to.equal(0);
    await bench.of(bench.one.append([accepting(2, 1)]));
    await bench.of(bench.one.append([accepting(3, 2)]));
    expect(await bench.of(following.catchUp())).to.equal(2);
    expect((await following.handOver()).lsn).to.equal(3);
  });

  it("does not go on where what it has read is gone, though the log has as much again", async () => {
    const bench = await new DatabaseBench().claimed();
    const { database, one } = bench;
    const following = followed(bench);
    database.stallStandby(true);
    void failure(one.append([accepting(1, 0)]));
    await bench.pass(20);
    database.cancelWaits();
    expect(await bench.of(following.catchUp()), "committed where the standby has nothing").to.equal(1);
    database.failOver(0);
    await bench.pass(20);
    await bench.of(one.append([accepting(2, 0)]));
    await bench.of(one.append([accepting(3, 1)]));
    expect(await bench.of(failure(following.catchUp()))).to.be.instanceOf(LostPlaceError);
    expect(await bench.of(failure(following.handOver()))).to.be.instanceOf(LostPlaceError);
  });
});

function followed({ two, time }: DatabaseBench): LeaseFollowing {
  const ledger = new Ledger(CAPACITY, 1, TWO_NAMES.length);
  return new LeaseFollowing(new ChunkReader(two, 0, ledger, TWO_NAMES, time), two);
}

/** The record that accepts a payment, as number `lsn` of the first partition's log. */
function accepting(payment: number, lsn: number): Append {
  const engine = new Engine(Ways.open(new HealthSnapshot(2), twoTerms(10)), {
    partition: 0,
    capacity: CAPACITY,
    seed: 1,
    giveUpAfterMs: 1000,
    settleWithinMs: 0,
    answerWithinMs: 2000,
    waitsForSlow: true,
  });
  for (let sequence = 0; sequence <= lsn; sequence++) {
    engine.batch.clear();
    engine.accept(uuid(sequence === lsn ? payment : 100 + sequence), 0, 1, NOON_MS);
  }
  const { batch } = engine;
  batch.seal(lsn);
  const records = batch.bytes.slice(0, batch.count * RECORD_BYTES);
  return { partition: 0, epoch: 1, lsn, recordCount: batch.count, records };
}
