import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { PostgresServer } from "../../../perf/postgres/postgres-server.ts";
import { type Database, NotDoneError, type Raised, type Tenure, UnknownError } from "../../../server/lease/database.ts";
import { appendOf, claimed, joined } from "../../support/database-contract.ts";
import { LossyProxy, makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";
import { Random } from "../../support/random.ts";

const ROUNDS = 24;
/** A kill takes a second to come back from. */
const KILLS = 3;
const PATIENCE_MS = 20_000;
const OURS = "FROM pg_stat_activity WHERE application_name = 'rinha'";

/** Until the database is there again. */
async function raised(database: Database, tenure: Tenure): Promise<Raised> {
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      const [partition] = await database.raise([tenure]);
      return partition!;
    } catch (error) {
      if (performance.now() > untilMs) throw error;
      await sleep(20);
    }
  }
}

describe("appends that are interrupted at any moment", () => {
  const server = usePostgres();
  const open = useDatabases();

  it("are there if they were acknowledged, not there if they were refused, and otherwise one of the two", async () => {
    await makeStore(server());
    const seed = Date.now() % 1_000_000;
    const random = new Random(seed);
    const proxy = await LossyProxy.to(server().port);
    const attacks: (() => Promise<unknown>)[] = [
      () => server().query(`SELECT pg_terminate_backend(pid) ${OURS}`),
      () => server().query(`SELECT pg_cancel_backend(pid) ${OURS}`),
      async () => proxy.cut(),
      async () => {
        proxy.losesAnswers = true;
        await sleep(10);
        proxy.cut();
        proxy.losesAnswers = false;
      },
    ];
    const seen = { acknowledged: 0, refused: 0, unknownDone: 0, unknownNotDone: 0 };
    try {
      const database = open(PostgresServer.urlOf([proxy]), { hotTimeoutMs: 2000 });
      const { life } = await joined(database, 0);
      let { epoch, head } = await claimed(database, 0, { life });
      const tenure = { partition: 0, since: epoch };
      for (let round = 0; round < ROUNDS; round++) {
        const isKill = round % Math.floor(ROUNDS / KILLS) === 5;
        const attack: () => Promise<unknown> = isKill ? () => server().kill() : attacks[random.below(attacks.length)]!;
        const attacking = sleep(random.between(0, 30)).then(attack);
        let failure: unknown;
        const untilMs = performance.now() + 200;
        while (failure === undefined && performance.now() < untilMs) {
          try {
            const moved = await database.append([appendOf(0, epoch, head, 2)]);
            expect(moved, `seed=${seed} round=${round}`).to.deep.equal([0]);
            head += 2;
            seen.acknowledged++;
          } catch (error) {
            failure = error;
          }
        }
        await attacking;
        if (isKill) await server().start();
        const told = await raised(database, tenure);
        const gained = told.head - head;
        const what = `seed=${seed} round=${round} failure=${failure}`;
        if (failure instanceof UnknownError) expect(gained, what).to.be.oneOf([0, 2]);
        else expect(gained, what).to.equal(0);
        if (failure instanceof NotDoneError) seen.refused++;
        else if (failure !== undefined) seen[gained === 0 ? "unknownNotDone" : "unknownDone"]++;
        ({ epoch, head } = told);
      }
      const chunks = await database.chunks(0, 0, 100_000_000);
      expect(chunks.map(({ lsn }) => lsn)).to.deep.equal(chunks.map((_, i) => i * 2));
      expect(chunks.length * 2).to.equal(head);
      expect(chunks).to.have.lengthOf(seen.acknowledged + seen.unknownDone);
      expect(seen.acknowledged).to.be.above(ROUNDS);
      expect(seen.refused + seen.unknownDone + seen.unknownNotDone, JSON.stringify(seen)).to.be.above(ROUNDS / 4);
    } finally {
      await proxy.close();
    }
  });
});
