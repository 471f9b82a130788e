import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../command/run-command.ts";
import { SUBMISSION_COMMAND, type SubmissionWish } from "./command-line.ts";
import { submittedCompose } from "./compose-file.ts";
import { infoJson, readmeText } from "./description.ts";
import { writeFolder } from "./folder.ts";
import { brokenRules } from "./rules.ts";

/** Compiled layout: build/perf/submission/main.js. */
const COMPOSE_FILE = fileURLToPath(new URL("../../../docker/compose.yml", import.meta.url));

await runCommand(SUBMISSION_COMMAND, (wish) => {
  const files = filesOf(wish);
  writeFolder(wish.outDir, files);
  for (const name of files.keys()) process.stdout.write(`${join(wish.outDir, name)}\n`);
  if (wish.sourceUrl === undefined) {
    process.stderr.write("the rules want the address of the sources in info.json and README.md: give --source URL\n");
  }
});

/** By name. Throws where the contest would refuse them. */
function filesOf(wish: SubmissionWish): Map<string, string> {
  const { text, mountedPaths } = submittedCompose(readFileSync(COMPOSE_FILE, "utf8"), wish.image);
  const broken = brokenRules(text);
  if (broken.length > 0) throw new Error(`docker/compose.yml must keep to the rules:\n${broken.join("\n")}`);
  const mounted = mountedPaths.map((path): [string, string] => {
    return [basename(path), readFileSync(join(dirname(COMPOSE_FILE), path), "utf8")];
  });
  return new Map([
    ["docker-compose.yml", text],
    ...mounted,
    ["README.md", readmeText(wish)],
    ["info.json", infoJson(wish)],
  ]);
}
