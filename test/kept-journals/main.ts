// Makes the journal that later releases must read: npm run kept:journal -- VERSION, once with every release.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";
import { tellStory } from "./story.ts";

const [version = "", ...more] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+$/.test(version) || more.length > 0) {
  console.error(`one version must be named, such as 1.0.0: version=${version}`);
  process.exit(2);
}
const kept = join(REPOSITORY_ROOT, "test", "kept-journals", version);
if (existsSync(kept)) {
  console.error(`what was kept must not change: folder=${kept} (name a version that has none)`);
  process.exit(1);
}
const directory = mkdtempSync(join(tmpdir(), "rinha-kept-"));
try {
  const telling = await tellStory(directory);
  mkdirSync(kept);
  // The journals alone: a lock beside them is a socket.
  cpSync(join(directory, "data"), join(kept, "data"), {
    recursive: true,
    filter: (path) => !basename(path).includes(".") || path.endsWith(".journal"),
  });
  writeFileSync(join(kept, "payments.json"), `${JSON.stringify(telling, undefined, 2)}\n`);
  console.log(`${kept}\nAdd it to git.`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
