import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { Script } from "node:vm";
import { crc32 } from "node:zlib";

/** Of a part's code in V8's own form, beside the part. */
const CODE_SUFFIX = ".code";
const CHECKSUM_BYTES = 4;

type Module = { exports: unknown };
/** A part's text is one such function, as a module of CommonJS would be wrapped in. */
type Body = (exports: unknown, require: (id: string) => unknown, module: Module, path: string, folder: string) => void;

/** A file of a bundle that has been loaded. */
export type Part = { readonly path: string; readonly source: Buffer; readonly script: Script; readonly module: Module };

const parts = new Map<string, Part>();

/** What this thread has loaded so far. */
export function loadedParts(): Iterable<Part> {
  return parts.values();
}

/**
 * Loads a part of a bundle, and what it requires. Where its compiled code lies beside it and fits, V8 takes that and
 * compiles nothing. Otherwise it compiles: nothing else is different, and nothing is written.
 */
export function load(path: string): unknown {
  const known = parts.get(path);
  if (known !== undefined) return known.module.exports;
  const source = readFileSync(path);
  // V8 refuses code of another version of V8 and of other flags. Of the source it knows the length only. Code of the
  // same V8 in another build of Node.js, such as 20.19 and 20.20 or x64 and arm64, it takes, and crashes.
  const cachedData = readCode(path, source);
  // Bundles are ASCII.
  const script = new Script(source.toString("latin1"), { filename: path, ...(cachedData && { cachedData }) });
  const module: Module = { exports: {} };
  parts.set(path, { path, source, script, module });
  const folder = dirname(path);
  const external = createRequire(path);
  const require = (id: string): unknown => (id.startsWith(".") ? load(resolve(folder, id)) : external(id));
  (script.runInThisContext() as Body)(module.exports, require, module, path, folder);
  return module.exports;
}

/** The file that keeps the code of a part, and what is in it: a checksum, and the code. `build`: see thisBuild. */
export function codeFileOf({ path, source, script }: Part, build = thisBuild()): { path: string; bytes: Buffer } {
  const code = script.createCachedData();
  return { path: path + CODE_SUFFIX, bytes: Buffer.concat([checksumOf(build, source, code), code]) };
}

/** Undefined where there is none, or one of another source or build of Node.js, or one that is damaged. */
function readCode(path: string, source: Buffer): Buffer | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path + CODE_SUFFIX);
  } catch {
    return undefined;
  }
  const code = bytes.subarray(CHECKSUM_BYTES);
  return checksumOf(thisBuild(), source, code).equals(bytes.subarray(0, CHECKSUM_BYTES)) ? code : undefined;
}

/** Distributors build the same version with different options: their programs differ in size. */
export function thisBuild(): string {
  const { size } = statSync(process.execPath, { throwIfNoEntry: false }) ?? {};
  return `${process.arch} ${process.version} ${size}`;
}

/** Against accidents only, and so without node:crypto, whose loading costs more than all of this. */
function checksumOf(build: string, source: Buffer, code: Buffer): Buffer {
  const bytes = Buffer.alloc(CHECKSUM_BYTES);
  bytes.writeUInt32LE(crc32(code, crc32(source, crc32(build))));
  return bytes;
}
