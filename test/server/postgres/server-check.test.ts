import { expect } from "chai";
import { checkServer, type ServerReport } from "../../../server/postgres/server-check.ts";
import type { Row, Statement } from "../../../server/postgres/session.ts";
import { useDatabases, usePostgres } from "../../support/postgres-store.ts";

const SOUND = {
  ...{ server_version: "15.1", server_version_num: "150001", fsync: "on", full_page_writes: "on" },
  ...{
    synchronous_commit: "on",
    synchronous_standby_names: "ANY 1 (a, b)",
    data_checksums: "on",
    max_connections: "100",
  },
};
const STANDBY = { name: "a", state: "streaming", sync_state: "quorum", lag_bytes: 0 };

/** Of a server with these settings and standbys; null: they may not be seen. */
function checked(settings: Partial<typeof SOUND>, standbys: readonly Row[] | null = [STANDBY]): Promise<ServerReport> {
  const answer = { settings: { ...SOUND, ...settings }, may_see: standbys !== null };
  return checkServer(async ({ text }: Statement) => (text.includes("pg_settings") ? [answer] : [...(standbys ?? [])]));
}

describe("the check of a server", () => {
  const server = usePostgres();
  const open = useDatabases();

  it("finds nothing to say of one with a synchronous standby", async () => {
    expect(await checked({})).to.deep.include({ refusals: [], warnings: [], version: "15.1" });
  });

  for (const [settings, rule] of [
    [{ server_version: "13.9", server_version_num: "130009" }, "server_version=13.9"],
    [{ fsync: "off" }, "fsync=off"],
    [{ synchronous_commit: "off" }, "synchronous_commit=off"],
  ] as const) {
    it(`refuses one with ${rule}`, async () => {
      const { refusals } = await checked(settings);
      expect(refusals).to.have.lengthOf(1);
      expect(refusals[0]).to.include(rule);
    });
  }

  for (const [settings, standbys, rule] of [
    [{ full_page_writes: "off" }, [STANDBY], "full_page_writes=off"],
    [{ synchronous_commit: "local" }, [STANDBY], "synchronous_commit=local"],
    [{ synchronous_commit: "remote_write" }, [STANDBY], "synchronous_commit=remote_write"],
    [{ synchronous_standby_names: "" }, [], "synchronous_standby_names="],
    [{}, [{ ...STANDBY, sync_state: "async" }], "synchronous=0"],
    [{}, null, "pg_read_all_stats=no"],
  ] as const) {
    it(`warns of ${rule}`, async () => {
      const report = await checked(settings, standbys);
      expect(report.refusals).to.deep.equal([]);
      expect(report.warnings).to.have.lengthOf(1);
      expect(report.warnings[0]).to.include(rule);
    });
  }

  it("understands a real one", async () => {
    const report = await open(server().url).checkServer();
    expect(report.refusals).to.deep.equal([]);
    expect(report.standbys).to.deep.equal([]);
    expect(report.settings).to.include({ fsync: "on", synchronous_commit: "on" });
    expect(Number(report.settings.server_version_num)).to.be.at.least(140_000);
  });
});
