import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { loadStore, untilTableIsThere } from "../kept-data/kept-store.ts";
import { inDirectory } from "../support/journal-life.ts";
import { usePostgres } from "../support/postgres-store.ts";
import type { Caller } from "./caller.ts";
import { expectAll, KEPT, keptVersions, tellingOf } from "./kept-payments.ts";
import { duringLife } from "./lone-instance.ts";
import { newPayment, pay, viewOf } from "./payments.ts";

const CLI = fileURLToPath(new URL("../../server/store-cli/main.js", import.meta.url));
const VERSIONS = keptVersions("store");
const DUMP_BYTES_MAX = 300 * 1024;

describe("stores in PostgreSQL that earlier releases have made", function () {
  this.timeout(120_000);
  const server = usePostgres();

  it("are kept of one release at least, and are small", () => {
    expect(VERSIONS).to.include("1.0.0");
    for (const version of VERSIONS) expect(statSync(dumpOf(version)).size).to.be.below(DUMP_BYTES_MAX);
  });

  for (const version of VERSIONS) {
    const telling = tellingOf(version, "store");

    function store(command: string, ...args: string[]): string {
      return execFileSync(process.execPath, [CLI, command, "--store", server().url, ...args], { encoding: "utf8" });
    }

    function alive<T>(directory: string, body: (caller: Caller) => Promise<T>): Promise<T> {
      const link = `unix:${join(directory, "link")}`;
      return duringLife(directory, { DATA_DIR: "", STORE_URL: server().url, INSTANCE: "1", LINK: link }, body);
    }

    it(`start with all payments there, and go on: ${version}`, () =>
      inDirectory(async (directory) => {
        await loadStore(server(), readFileSync(dumpOf(version), "utf8"));
        store("init");
        expect(store("check")).to.match(/ sound$/m);
        const more = newPayment();
        await alive(directory, async (caller) => {
          await expectAll(caller, telling);
          expect((await pay(caller, more)).status).to.equal(202);
          const [known] = telling.payments;
          const again = { correlationId: known!.correlationId, cents: Math.round(known!.amount * 100) };
          expect((await pay(caller, again)).status).to.equal(200);
          await untilTableIsThere(server());
          await expectTable();
        });
        // What this release has added to it is read with it.
        await alive(directory, async (caller) => {
          await expectAll(caller, telling);
          expect((await viewOf(caller, more)).amount).to.equal(19.9);
        });
        store("check");
      }));

    /** The rows say what the service says. */
    async function expectTable(): Promise<void> {
      const rows = await server().query("SELECT correlation_id AS id, state, processor FROM rinha.payment");
      const rowsById = new Map(rows.map(({ id, ...row }) => [id as string, row]));
      for (const { correlationId, state, processor } of telling.payments) {
        if (state === "pending") continue;
        expect(rowsById.get(correlationId), correlationId).to.deep.equal({ state, processor: processor ?? null });
      }
    }

    it(`have payments in every state: ${version}`, () => {
      const states = new Set(telling.payments.map(({ state }) => state));
      expect(states).to.include.all.keys("pending", "in doubt", "processed", "failed");
    });
  }
});

function dumpOf(version: string): string {
  return join(KEPT, version, "store", "dump.sql");
}
