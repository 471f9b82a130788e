import { runCommand } from "../command/run-command.ts";
import { audit } from "./audit.ts";
import { AUDIT_COMMAND } from "./command-line.ts";
import { connectParties } from "./parties.ts";
import { auditReport } from "./report.ts";

const CONNECTION_COUNT = 32;
const TIMEOUT_MS = 10_000;

await runCommand(
  AUDIT_COMMAND,
  async ({ target, ...wish }, signal) => {
    const parties = connectParties(target, CONNECTION_COUNT, TIMEOUT_MS);
    signal.addEventListener("abort", () => void parties.close(), { once: true });
    try {
      const result = await audit(parties, wish);
      process.stdout.write(auditReport(result));
      process.exitCode = result.agrees ? 0 : 1;
    } finally {
      await parties.close();
    }
  },
  { prefix: "could not audit: ", exitCode: 2 },
);
