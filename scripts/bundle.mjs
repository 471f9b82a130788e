// Bundles the programs that ship: build/bundle/server/ has the same programs as build/server/, each with all it needs
// in a few files, and V8's compiled code of what an instance runs. The image's build/ is build/bundle/, so that paths
// are the same there. No options; scripts/setup.mjs runs it after the compiler.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { keepCode } from "./keep-code.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compiled = join(root, "build");
const bundled = join(compiled, "bundle");
const partsFolder = join(bundled, "server");

/** Threads share no modules: each has a bundle of its own. */
const programs = [
  "server/main.js",
  "server/health/worker.js",
  "server/telemetry/sender-worker.js",
  "server/doubts/cli/main.js",
  "server/journal-cli/main.js",
  "server/store-cli/main.js",
  "perf/processor/main.js",
  "perf/launch/main.js",
];
/** Code finds its threads beside itself (new URL("./worker.js", import.meta.url)). */
const threads = new Set(["server/health/worker.js", "server/telemetry/sender-worker.js"]);
/** It loads a binary by its own place. */
const external = ["uWebSockets.js"];
const loader = "loader.js";

/** The compiler's maps lead on to the sources. */
const withMaps = {
  name: "compiler-maps",
  load(id) {
    if (!id.startsWith(compiled + sep)) return null;
    const code = readFileSync(id, "utf8").replace(/\n\/\/# sourceMappingURL=.*\n?$/, "\n");
    return { code, map: readFileSync(`${id}.map`, "utf8") };
  },
};

/** undici loads HTTP/2 at once, and speaks it only where it is asked to. Nobody asks. */
const withoutHttp2 = {
  name: "undici-without-http2",
  resolveId: (id, importer) => (id === "node:http2" && importer?.includes("/undici/") ? "\0no-http2" : null),
  load: (id) => (id === "\0no-http2" ? "module.exports = { constants: {} };" : null),
};

const outputOf = (program) => (threads.has(program) ? join("server", basename(program)) : program);

async function bundle(input, options) {
  const plugins = [withMaps, withoutHttp2];
  const build = await rolldown({ input, external, platform: "node", cwd: root, plugins });
  const { output } = await build.generate({ dir: partsFolder, format: "cjs", sourcemap: true, ...options });
  await build.close();
  return output;
}

/** V8 keeps text of one byte a character in half of the memory. Only comments, strings and patterns have others. */
function asAscii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Rolldown's own functions are in the largest part, which every first part would load at once: server/main.ts before
 * the signals' handlers are there. One that is a single module uses none of them. Its lines stay where the map has
 * them.
 */
function withoutUnusedParts({ code, isEntry, moduleIds }) {
  return isEntry && moduleIds.length === 1 ? code.replace(/^require\("\.\/[\w-]+\.part\.js"\);$/gm, "") : code;
}

/** Each part is one function, to be called by the loader. It begins on the first line, as the maps have it. */
function writePart(folder, part) {
  const { fileName, map } = part;
  const path = join(folder, fileName);
  const text = asAscii(withoutUnusedParts(part).replace(/\n\/\/# sourceMappingURL=.*\n?$/, "\n"));
  mkdirSync(dirname(path), { recursive: true });
  const head = "(function (exports, require, module, __filename, __dirname) {";
  writeFileSync(path, `${head}${text}})\n//# sourceMappingURL=${basename(path)}.map\n`);
  writeFileSync(`${path}.map`, map.toString());
}

async function bundleProgram(program) {
  const output = outputOf(program);
  const name = output.replace(/\.js$/, "").replaceAll(sep, "-");
  const parts = await bundle(
    { [name]: join(compiled, program) },
    { entryFileNames: `${name}.part.js`, chunkFileNames: `${name}-[name].part.js` },
  );
  for (const part of parts.filter(({ type }) => type === "chunk")) writePart(partsFolder, part);
  const path = join(bundled, output);
  mkdirSync(dirname(path), { recursive: true });
  const up = relative(dirname(path), partsFolder) || ".";
  const part = `require("node:path").join(__dirname, "${up}", "${name}.part.js")`;
  writeFileSync(path, `"use strict";\nrequire("${up}/${loader}").load(${part});\n`);
}

async function bundleLoader() {
  const [{ code }] = await bundle(join(compiled, "server/bundle/loader.js"), { sourcemap: false });
  writeFileSync(join(partsFolder, loader), code);
}

rmSync(bundled, { recursive: true, force: true });
mkdirSync(partsFolder, { recursive: true });
// The rest of the repository's files are modules of ECMAScript.
writeFileSync(join(bundled, "package.json"), '{ "type": "commonjs" }\n');
await bundleLoader();
for (const program of programs) await bundleProgram(program);
await keepCode();
