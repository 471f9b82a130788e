// Keeps data that later releases must read: npm run kept:data -- VERSION, once with every release.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";
import { PostgresServer } from "../../perf/postgres/postgres-server.ts";
import { readStoreUrl } from "../../server/postgres/store-url.ts";
import { importJournals } from "../../server/store-cli/import/import.ts";
import { dumpStore, shiftClock, untilTableIsThere } from "./kept-store.ts";
import { Story, type Telling } from "./story.ts";

const [version = "", ...more] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+$/.test(version) || more.length > 0) {
  console.error(`one version must be named, such as 1.0.0: version=${version}`);
  process.exit(2);
}
const kept = join(REPOSITORY_ROOT, "test", "kept-data", version);
if (existsSync(kept)) {
  console.error(`what was kept must not change: folder=${kept} (name a version that has none)`);
  process.exit(1);
}
const directory = mkdtempSync(join(tmpdir(), "rinha-kept-"));
const server = await PostgresServer.start();
const story = await Story.begin(directory);
try {
  console.error("the journals are being made: this takes about a minute and a half");
  const ofJournals = await story.tellJournals();
  // The journals alone: a lock beside them is a socket.
  const folder = folderFor("journals", ofJournals);
  cpSync(join(directory, "data"), join(folder, "data"), {
    recursive: true,
    filter: (path) => !basename(path).includes(".") || path.endsWith(".journal"),
  });
  console.error("the store is being made of them");
  const imported = await importJournals(readStoreUrl(server.url), join(directory, "data"), () => {});
  if (imported.kind !== "imported") throw new Error(`the journals must be imported: ${JSON.stringify(imported)}`);
  await shiftClock(server, story.clockOffsetMs);
  const ofStore = await story.tellStore(server.url, () => untilTableIsThere(server));
  writeFileSync(join(folderFor("store", ofStore), "dump.sql"), await dumpStore(server));
  console.log(`${kept}\nAdd it to git.`);
} catch (error) {
  rmSync(kept, { recursive: true, force: true });
  throw error;
} finally {
  story.close();
  await server.remove();
  rmSync(directory, { recursive: true, force: true });
}

function folderFor(name: string, telling: Telling): string {
  const folder = join(kept, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "payments.json"), `${JSON.stringify(telling, undefined, 2)}\n`);
  return folder;
}
