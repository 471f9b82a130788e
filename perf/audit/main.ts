import { HttpCaller } from "./ask.ts";
import { type AuditResult, audit } from "./audit.ts";
import { type CommandLine, readCommandLine, USAGE } from "./command-line.ts";
import { ProcessorAdmin } from "./processor-admin.ts";
import { auditReport } from "./report.ts";
import { ServiceApi } from "./service-api.ts";

const CONNECTION_COUNT = 32;
const TIMEOUT_MS = 10_000;

async function runAudit({ serviceUrl, processorUrls, token, ...wish }: CommandLine): Promise<AuditResult> {
  const callers = [serviceUrl, processorUrls.default, processorUrls.fallback].map(
    (url) => new HttpCaller(url, CONNECTION_COUNT, TIMEOUT_MS),
  );
  const [service, ofDefault, ofFallback] = callers as [HttpCaller, HttpCaller, HttpCaller];
  const parties = {
    service: new ServiceApi(service.ask),
    processors: {
      default: new ProcessorAdmin(ofDefault.ask, token),
      fallback: new ProcessorAdmin(ofFallback.ask, token),
    },
  };
  try {
    const { fromMs, toMs, isFull, findingCountMax } = wish;
    return await audit(parties, {
      isFull,
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
      ...(findingCountMax === undefined ? {} : { findingCountMax }),
    });
  } finally {
    await Promise.all(callers.map((caller) => caller.close()));
  }
}

try {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine === "help") process.stdout.write(USAGE);
  else {
    const result = await runAudit(commandLine);
    process.stdout.write(auditReport(result));
    process.exitCode = result.agrees ? 0 : 1;
  }
} catch (error) {
  process.stderr.write(`could not audit: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
