import type { PostgresPair } from "../../postgres/postgres-pair.ts";
import {
  type Contender,
  type ContendersOptions,
  type OurService,
  startOurs,
  stopContenders,
} from "../contenders/contender.ts";
import { readingOfTree } from "../limits/tree-reading.ts";

export const PRIMARY_NAME = "postgres-primary";
export const STANDBY_NAME = "postgres-standby";

/** What belongs to the other way; whatever this process's own environment says. */
const NO_JOURNAL = { DURABILITY: "", DATA_DIR: "", PARTITIONS: "", SEGMENT_BYTES: "" };

/** Ours over PostgreSQL. The processes of both servers count beside it, whatever they are busy with. */
export function storeService(pair: PostgresPair): OurService {
  return {
    name: "store",
    env: NO_JOURNAL,
    storeUrl: pair.url,
    readingsBeside: () => [
      readingOfTree(PRIMARY_NAME, pair.primary.pid ?? -1),
      readingOfTree(STANDBY_NAME, pair.standby.pid ?? -1),
    ],
  };
}

/** The ways to keep payments, all up at the same time. */
export async function startKeepings(
  pair: PostgresPair,
  options: Pick<ContendersOptions, "limits" | "logLevel">,
  signal: AbortSignal,
): Promise<Contender[]> {
  const journals = (["write", "fsync"] as const).map((name): OurService => ({ name, env: { DURABILITY: name } }));
  const started: Contender[] = [];
  try {
    for (const service of [...journals, storeService(pair)]) started.push(await startOurs(service, options, signal));
    return started;
  } catch (error) {
    await stopContenders(started);
    throw error;
  }
}
