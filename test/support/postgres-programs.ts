import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { findPostgres, type PostgresServer } from "../../perf/postgres/postgres-server.ts";

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Runs one of PostgreSQL's own programs, such as pg_dump, on the test's database. Resolves with what it prints. */
export async function runPostgresProgram(
  { folder, port }: PostgresServer,
  program: string,
  args: readonly string[],
): Promise<string> {
  const found = findPostgres();
  if ("missing" in found) throw new Error(found.missing);
  const connection = ["-h", folder, "-p", String(port), "-U", "rinha"];
  const { stdout } = await run(join(found.bin, program), [...connection, ...args, "rinha"], {
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return stdout;
}
