import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";

/** Made by programs, or kept as others wrote them. */
const LEFT_OUT = /^(?:\.git|node_modules|build|coverage|run|data|perf\/results)$/;

export type RepositoryFile = {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly lines: readonly string[];
};

/** The text files of the repository whose path matches, in the order of their paths. */
export function repositoryFiles(pattern: RegExp): RepositoryFile[] {
  return pathsIn("")
    .filter((path) => pattern.test(path))
    .sort()
    .map((path) => ({ path, lines: readFileSync(join(REPOSITORY_ROOT, path), "utf8").split("\n") }));
}

function pathsIn(folder: string): string[] {
  return readdirSync(join(REPOSITORY_ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (LEFT_OUT.test(path)) return [];
    if (entry.isDirectory()) return pathsIn(path);
    return entry.isFile() ? [path] : [];
  });
}
