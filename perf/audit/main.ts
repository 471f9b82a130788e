import { watchedProgress } from "../../server/text/progress.ts";
import { runCommand } from "../command/run-command.ts";
import { audit } from "./audit.ts";
import { AUDIT_COMMAND } from "./command-line.ts";
import { connectParties } from "./parties.ts";
import { auditJson, auditReport } from "./report.ts";
import { StoreBooks } from "./store-books.ts";

const CONNECTION_COUNT = 32;
const TIMEOUT_MS = 10_000;
/** A payment table that is made of a checkpoint takes its time. */
const FOLLOW_MS = 30_000;

await runCommand(
  AUDIT_COMMAND,
  async ({ target, store, isJson, ...wish }, signal) => {
    const processors = Object.keys(target.processors);
    const books = store && (await StoreBooks.open({ ...store, processors, followMs: FOLLOW_MS }));
    const parties = connectParties(target, CONNECTION_COUNT, TIMEOUT_MS);
    const close = async (): Promise<void> => {
      books?.close();
      await parties.close();
    };
    signal.addEventListener("abort", () => void close(), { once: true });
    try {
      const audited = { ...parties, service: books ?? parties.service };
      const result = await audit(audited, { ...wish, progress: watchedProgress(isJson) });
      process.stdout.write(isJson ? auditJson(result) : auditReport(result));
      process.exitCode = result.agrees ? 0 : 1;
    } finally {
      await close();
    }
  },
  { prefix: "could not audit: ", exitCode: 2 },
);
