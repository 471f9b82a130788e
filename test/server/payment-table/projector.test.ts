import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import pino from "pino";
import * as Kind from "../../../core/log/record-kind.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import type { ProjectedLog } from "../../../server/lease/projection.ts";
import type { PaymentRow, PaymentTable } from "../../../server/payment-table/payment-table.ts";
import { PaymentProjector } from "../../../server/payment-table/projector.ts";
import { PaymentTableOff } from "../../../server/payment-table/table-off.ts";
import type { PostgresDatabase } from "../../../server/postgres/postgres-database.ts";
import { RealTime } from "../../../server/system/time.ts";
import { until } from "../../e2e/until.ts";
import { claimed, joined } from "../../support/database-contract.ts";
import { makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";
import { Random } from "../../support/random.ts";
import { TableLife } from "./table-life.ts";

const SEED = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
const logger = pino({ level: "silent" });

function bySequence(rows: Iterable<PaymentRow>): PaymentRow[] {
  return [...rows].sort((a, b) => a.partition - b.partition || a.sequence - b.sequence);
}

describe(`payment table, TEST_SEED=${SEED}`, function () {
  this.timeout(60_000);
  const server = usePostgres();
  const open = useDatabases();
  const random = new Random(SEED);
  let database: PostgresDatabase;
  let path: string;
  let lives: TableLife[];
  const projectors: PaymentProjector[] = [];

  beforeEach(async () => {
    await makeStore(server());
    database = open(server().url);
    path = mkdtempSync(join(tmpdir(), "rinha-table-"));
    const member = await joined(database, 0);
    lives = [];
    for (const partition of [0, 1]) {
      await claimed(database, partition, member);
      lives.push(new TableLife(join(path, String(partition)), random, partition));
    }
  });

  afterEach(async () => {
    await Promise.all(projectors.splice(0).map((projector) => projector.close()));
    for (const life of lives) life.close();
    rmSync(path, { recursive: true, force: true });
  });

  function logOf(life: TableLife): ProjectedLog {
    return {
      partition: life.partition,
      get epoch() {
        return life.epoch;
      },
      get writtenLsn() {
        return life.lsn;
      },
    };
  }

  function projector(table: PaymentTable = database.payments): PaymentProjector {
    const one = new PaymentProjector({ database, table, time: new RealTime(), logger });
    projectors.push(one);
    for (const life of lives) one.begin(logOf(life));
    return one;
  }

  async function live(count: number): Promise<void> {
    for (const life of lives) {
      life.step(count);
      await life.send(database, random);
    }
  }

  const heads = () => lives.map(({ lsn }) => lsn);
  const positions = async () => {
    const found = await database.payments.positions(lives.map(({ partition }) => partition));
    return lives.map(({ partition }) => found.get(partition));
  };

  async function untilFollowed(): Promise<void> {
    await until("the table has followed", async () => JSON.stringify(await positions()) === JSON.stringify(heads()));
  }

  async function expectAllThere(): Promise<void> {
    const keys = await server().query("SELECT partition, sequence::int AS sequence FROM rinha.payment");
    const rows = await database.payments.rows(keys as { partition: number; sequence: number }[]);
    const expected = lives.flatMap((life) => [...life.expected.values()]);
    expect(bySequence(rows)).to.deep.equal(bySequence(expected));
  }

  it("has what the logs say, also of payments that retention dropped, and nothing of what was purged", async () => {
    projector();
    for (let round = 0; round < 4; round++) {
      await live(random.between(50, 600));
      await untilFollowed();
      await expectAllThere();
    }
  });

  it("is right whoever keeps it up: two at a time, one after another", async () => {
    for (let round = 0; round < 3; round++) {
      const [first] = [projector(), projector()];
      await live(300);
      if (round === 1) await first!.close();
      await untilFollowed();
      await expectAllThere();
      await Promise.all(projectors.splice(0).map((one) => one.close()));
    }
  });

  it("counts nothing twice whose answer was lost", async () => {
    const table = database.payments;
    let lostCount = 0;
    const move: PaymentTable["move"] = async (moves) => {
      const moved = await table.move(moves);
      if (lostCount++ % 2 === 0) throw new Error("the answer was lost");
      return moved;
    };
    projector(
      Object.assign(Object.create(table) as PaymentTable, {
        ...Object.fromEntries(
          (["positions", "rows", "purge", "start", "beginMaking", "make", "endMaking", "leave"] as const).map(
            (name) => [name, (...args: never[]) => (table[name] as (...args: never[]) => unknown)(...args)],
          ),
        ),
        move,
      }),
    );
    for (let round = 0; round < 3; round++) {
      await live(150);
      await untilFollowed();
      await expectAllThere();
    }
    expect(lostCount).to.be.at.least(3);
  });

  it("is made of a checkpoint where the log has a past, and what had ended before stays", async () => {
    projector();
    await live(400);
    await untilFollowed();
    await Promise.all(projectors.splice(0).map((one) => one.close()));
    await database.payments.leave(0);
    await live(300);
    for (const life of lives) await life.checkpointInto(database);
    await server().query("DELETE FROM rinha.chunk WHERE partition = 0");
    await live(50);
    projector();
    await untilFollowed();
    const [life] = lives;
    const { tail } = life!.ledger;
    const rows = await server().query("SELECT sequence::int AS sequence, state FROM rinha.payment WHERE partition = 0");
    const before = rows.filter(({ sequence }) => (sequence as number) < tail);
    expect(before.every(({ state }) => state === "processed" || state === "failed")).to.equal(true);
    const kept = await database.payments.rows(
      rows
        .filter(({ sequence }) => (sequence as number) >= tail)
        .map(({ sequence }) => ({ partition: 0, sequence: sequence as number })),
    );
    const expected = [...life!.expected.values()].filter(({ sequence }) => sequence >= tail);
    expect(bySequence(kept)).to.deep.equal(bySequence(expected));
    await live(200);
    await untilFollowed();
  });

  it("has a payment found charged in a life that was lost, with the acceptance and the id of that one", async () => {
    const [life] = lives;
    projector();
    life!.wait(5000);
    life!.accept();
    life!.write();
    const atMs = life!.nowMs - 3000;
    const { batch, ledger } = life!;
    ledger.apply(batch, batch.append(Kind.SENT, ledger.head - 1, atMs, 1, Outcome.FOUND, 0));
    life!.write();
    await life!.send(database, random);
    await untilFollowed();
    await expectAllThere();
    const [row] = life!.expected.values();
    expect(row).to.include({ acceptedAtMs: atMs, requestedAtMs: atMs, state: "sending", attempts: 1 });
  });

  it("keeps the logs it has not read from being dropped, unless it is switched off", async () => {
    const covered = async () => {
      const [row] = await server().query("SELECT rinha.is_covered(1) AS is_covered");
      return row!["is_covered"];
    };
    const one = projector();
    await live(100);
    await untilFollowed();
    await one.close();
    await live(100);
    for (const life of lives) await life.checkpointInto(database);
    expect(await covered()).to.equal(false);
    const off = new PaymentTableOff(database.payments, logger);
    for (const life of lives) off.begin(logOf(life));
    await until("nothing waits for it", covered as () => Promise<boolean>);
    expect(await positions()).to.deep.equal([undefined, undefined]);
  });
});
