// Deletes every native binary of uWebSockets.js but the one that this Node.js on this system loads.
// usage: node keep-one-binary.mjs <directory of the package>
import { existsSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const directory = resolve(process.argv[2] ?? "");
const kept = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;

if (!existsSync(join(directory, kept))) throw new Error(`no binary for this system: file=${kept}`);
for (const file of readdirSync(directory)) {
  if (file.endsWith(".node") && file !== kept) rmSync(join(directory, file));
}
// A binary that does not load (another C library, say) shall fail the build and not the first start.
createRequire(import.meta.url)(join(directory, kept));
