import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Of a V8 coverage report, which has every script that a thread has loaded. */
type Coverage = { result: { url: string }[] };

/** What the file was made of; a file without a map is itself. */
function modulesOf(file: string): string[] {
  if (!existsSync(`${file}.map`)) return [file];
  return (JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: string[] }).sources;
}

/** The files that a process has loaded, in all its threads, by the coverage reports that it left in the folder. */
export function loadedFiles(coverageFolder: string): string[] {
  return readdirSync(coverageFolder)
    .map((name) => JSON.parse(readFileSync(join(coverageFolder, name), "utf8")) as Coverage)
    .flatMap(({ result }) => result.map(({ url }) => url))
    .filter((url) => url.startsWith("file:"))
    .map((url) => fileURLToPath(url));
}

/** The modules in those files: a bundle is what it was made of. */
export function loadedModules(coverageFolder: string): string[] {
  return loadedFiles(coverageFolder).flatMap(modulesOf);
}
