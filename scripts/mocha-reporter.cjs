// Mocha's spec reporter plus three things: the totals for scripts/test.mjs; a promise that nobody awaited and that
// rejects fails the run (mocha alone overlooks it); and a watchdog that makes a leaked handle a failure with a name
// instead of a run that never ends. CommonJS because mocha requires its reporters.
const { writeFileSync } = require("node:fs");
const { setTimeout } = require("node:timers");
const { reporters } = require("mocha");

const lingerMsMax = 10_000;

class TotalsReporter extends reporters.Spec {
  #failures = [];

  constructor(runner, options) {
    super(runner, options);
    runner.on("fail", (test, error) => this.#failures.push(`${test.fullTitle()}: ${String(error.message ?? error)}`));
    // Thrown from here it is an uncaught exception, which mocha charges to the running test.
    process.on("unhandledRejection", (reason) => {
      throw reason;
    });
    runner.once("end", () => {
      // Unref'd: it fires only in a process that something else keeps alive.
      setTimeout(failLingering, lingerMsMax).unref();
      // Read at exit: an error thrown after the last test still counts as a failure of the run.
      process.once("exit", () => this.#writeTotals());
    });
  }

  #writeTotals() {
    const path = process.env.MOCHA_TOTALS_FILE;
    if (path === undefined) return;
    const { passes, failures, pending } = this.stats;
    const totals = { passed: passes, failed: failures, skipped: pending, failures: this.#failures };
    writeFileSync(path, JSON.stringify(totals));
  }
}

function failLingering() {
  const held = process.getActiveResourcesInfo().join(", ") || "unknown";
  process.stderr.write(`tests must close what they open: lingerMs=${lingerMsMax} held=${held}\n`);
  // Mocha sets its own exit code in an exit listener; this one runs after it.
  process.once("exit", () => {
    process.exitCode = 1;
  });
  process.exit(1);
}

module.exports = TotalsReporter;
