// Loaded before a bundled program (node --require): keeps V8's code of every part that a thread has loaded, as it is
// when the thread ends, with the functions that have run by then.
const { writeFileSync } = require("node:fs");
const { join } = require("node:path");
const process = require("node:process");
const v8 = require("node:v8");

const { codeFileOf, loadedParts } = require(join(__dirname, "../build/bundle/server/loader.js"));

// V8 takes code only with the options that it was made with, and server/system/heap.ts would set some after the start.
v8.setFlagsFromString = () => {};

process.on("exit", () => {
  for (const part of loadedParts()) {
    const { path, bytes } = codeFileOf(part);
    writeFileSync(path, bytes);
  }
});
