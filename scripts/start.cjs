// npm start: runs the launcher, in this process. Before that, scripts/setup.mjs where anything is missing.
const { join } = require("node:path");
const process = require("node:process");
const { isReadyToStart, root } = require("./checkout.cjs");

function setUp() {
  const { spawnSync } = require("node:child_process");
  const { status } = spawnSync(process.execPath, [join(__dirname, "setup.mjs"), "--balancer"], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

if (!isReadyToStart()) setUp();
require(join(root, "build/bundle/perf/launch/main.js"));
