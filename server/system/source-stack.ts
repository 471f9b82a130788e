import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./root.ts";

/** Of a line of a stack: the file, maybe as a URL, its line and its column. */
const PLACE = /((?:file:\/\/)?\/[^\s():]+\.js):(\d+):(\d+)/g;

/**
 * A stack as the sources have it, where the compiler or the bundler has left its maps. Reading those takes a tenth of a
 * second and much memory: for the end of a process.
 */
export function sourceStack(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replace(PLACE, (place, file: string, line: string, column: string) => {
    const path = file.startsWith("file:") ? fileURLToPath(file) : file;
    if (!maps.has(path)) maps.set(path, sourceMapOf(path));
    return sourcePlace(path, maps.get(path), Number(line), Number(column)) ?? place;
  });
}

/** Undefined where there is none that can be read. */
export function sourceMapOf(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8")) as SourceMapPayload);
  } catch {
    return undefined;
  }
}

/** `server/journal/journal.ts:12:3`. Lines and columns count from 1. */
export function sourcePlace(
  path: string,
  map: SourceMap | undefined,
  line: number,
  column: number,
): string | undefined {
  const entry = map?.findEntry(line - 1, column - 1);
  if (entry === undefined || !("originalSource" in entry)) return undefined;
  const source = relative(ROOT, resolve(dirname(path), entry.originalSource));
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}
