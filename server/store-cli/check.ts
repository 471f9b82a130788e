import { checkServer, type ServerReport } from "../postgres/server-check.ts";
import type { Row } from "../postgres/session.ts";
import { formatTarget, type StoreTarget } from "../postgres/store-url.ts";
import { type Progress, UNWATCHED } from "../text/progress.ts";
import { type LogSurvey, surveyLog } from "./log-survey.ts";
import { withStore } from "./store-connection.ts";

export type StoreReport = {
  store: string;
  server: ServerReport;
  members: readonly MemberReport[];
  partitions: readonly PartitionReport[];
};

export type MemberReport = {
  number: number;
  life: string;
  address: string;
  /** Since its last renewal, by the server's clock. */
  renewedAgoMs: number;
};

export type PartitionReport = LogSurvey & {
  number: number;
  epoch: number;
  /** Number of the instance that has it, "gone": of one that is no member any more; undefined: nobody. */
  owner: number | "gone" | undefined;
  isRestored: boolean;
  /** Why nobody may claim it: its log has lost records that were acknowledged. */
  halted: string | undefined;
};

const MEMBERS = {
  text: `
SELECT number, life, address, (extract(epoch FROM clock_timestamp() - renewed_at) * 1000)::float8 AS renewed_ago_ms
FROM rinha.member ORDER BY number`,
};

const PARTITIONS = {
  text: `
SELECT p.number, p.epoch, p.life IS NOT NULL AS is_owned, m.number AS owner, p.is_restored, p.halted
FROM rinha.partition p LEFT JOIN rinha.member m ON m.life = p.life ORDER BY p.number`,
};

/** Looks at all there is. Rejects where the server does not answer, or has no store of this release. */
export function check(target: StoreTarget, progress: Progress = UNWATCHED): Promise<StoreReport> {
  return withStore(target, async ({ database, run }) => {
    const server = await checkServer(run);
    await database.layout();
    const members = (await run(MEMBERS)).map(memberOf);
    const partitions: PartitionReport[] = [];
    const rows = await run(PARTITIONS);
    for (const row of rows) {
      progress(`partition ${partitions.length + 1} of ${rows.length} is being read`);
      const survey = await surveyLog(database, row["number"] as number);
      partitions.push({ ...partitionOf(row), ...survey });
    }
    return { store: formatTarget(target), server, members, partitions };
  });
}

/** Whether acknowledged payments are in danger. */
export function isSound({ server, partitions }: StoreReport): boolean {
  return (
    server.refusals.length === 0 &&
    partitions.every(({ problems, halted }) => problems.length === 0 && halted === undefined)
  );
}

function memberOf(row: Row): MemberReport {
  const { number, life, address, renewed_ago_ms: renewedAgoMs } = row;
  return { number, life, address, renewedAgoMs } as MemberReport;
}

function partitionOf(row: Row): Omit<PartitionReport, keyof LogSurvey> {
  const owner = row["is_owned"] === true ? ((row["owner"] as number | null) ?? "gone") : undefined;
  const { number, epoch, is_restored: isRestored } = row as { number: number; epoch: number; is_restored: boolean };
  return { number, epoch, owner, isRestored, halted: (row["halted"] as string | null) ?? undefined };
}
