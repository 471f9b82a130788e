import { Connector } from "../../../server/postgres/connector.ts";
import { readStoreUrl } from "../../../server/postgres/store-url.ts";
import { PostgresPair } from "../../postgres/postgres-pair.ts";
import type { StoreWish } from "./command-line.ts";

const TIMEOUT_MS = 60_000;
const OUT_OF_ORDER = {
  text: `
SELECT count(*)::int AS count FROM (
  SELECT epoch, max(epoch) OVER (PARTITION BY partition ORDER BY first_lsn) AS latest FROM rinha.chunk
) AS chunk WHERE epoch < latest`,
};
const LAYOUT = { text: "SELECT partition_count FROM rinha.store" };

/** The PostgreSQL of a campaign: somebody's, or a pair of its own, which can be hurt. */
export class LabStore {
  readonly url: string;
  readonly #pair: PostgresPair | undefined;

  private constructor(url: string, pair: PostgresPair | undefined) {
    this.url = url;
    this.#pair = pair;
  }

  /** Undefined where the payments are kept in journals. */
  static async open(wish: StoreWish): Promise<LabStore | undefined> {
    if (wish === "none") return undefined;
    if (wish !== "own") return new LabStore(wish.url, undefined);
    const pair = await PostgresPair.start();
    return new LabStore(pair.url, pair);
  }

  /** The servers, where they are the campaign's own. */
  get pair(): PostgresPair {
    if (this.#pair === undefined) throw new Error("servers that are hurt must be the campaign's own: store=own");
    return this.#pair;
  }

  async partitionCount(): Promise<number> {
    return (await this.#ask(LAYOUT))["partition_count"] as number;
  }

  /** Chunks of an epoch that was over when an earlier one of the same log was written. */
  async outOfOrderCount(): Promise<number> {
    return (await this.#ask(OUT_OF_ORDER))["count"] as number;
  }

  async close(): Promise<void> {
    await this.#pair?.remove();
  }

  async #ask(statement: { text: string }): Promise<Record<string, unknown>> {
    const connector = new Connector(readStoreUrl(this.url));
    const session = await connector.connect(TIMEOUT_MS);
    try {
      return (await session.run(statement, [], TIMEOUT_MS))[0]!;
    } finally {
      session.end();
      connector.close();
    }
  }
}
