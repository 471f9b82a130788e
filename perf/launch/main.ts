import { TOPOLOGY_HELP, topologyOptionsFromEnv } from "./environment.ts";
import { LogPrinter } from "./log-printer.ts";
import type { ChildName } from "./plans.ts";
import { startText } from "./start-text.ts";
import type { ChildExit, ChildHooks } from "./supervisor.ts";
import { startTopology, type Topology } from "./topology.ts";

/** npm passes on a Ctrl-C that the terminal has delivered already; a second one by hand comes later than that. */
const SAME_CTRL_C_MS = 500;

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(TOPOLOGY_HELP);
    return;
  }
  if (args.length > 0) throw new Error(`arguments must be none or --help: arguments=${args.join(" ")}`);
  const options = topologyOptionsFromEnv(process.env);
  const ending = new Ending();
  const hooks = hooksWith(new LogPrinter(options.prettyLogs, process.stdout.isTTY === true));
  try {
    const topology = await startTopology({ ...options, hooks, signal: ending.signal });
    ending.take(topology);
    console.log(startText(topology, options.processors));
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  }
}

/** What a signal or an uncaught error leads to, whether the topology is still starting or running. */
class Ending {
  readonly #starting = new AbortController();
  #topology: Topology | null = null;
  #askedAtMs: number | null = null;

  constructor() {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => this.#onSignal());
    process.on("uncaughtException", (error) => {
      console.error(error);
      process.exitCode = 1;
      this.#begin();
    });
  }

  get signal(): AbortSignal {
    return this.#starting.signal;
  }

  take(topology: Topology): void {
    this.#topology = topology;
    if (this.#askedAtMs !== null) void topology.stop();
  }

  #onSignal(): void {
    if (this.#askedAtMs === null) {
      console.log("\nstopping");
      this.#begin();
    } else if (performance.now() - this.#askedAtMs > SAME_CTRL_C_MS) {
      // Asked again: the guard ends the children when it sees us gone.
      process.exit(1);
    }
  }

  #begin(): void {
    if (this.#askedAtMs !== null) return;
    this.#askedAtMs = performance.now();
    this.#starting.abort();
    void this.#topology?.stop();
  }
}

function hooksWith(printer: LogPrinter): ChildHooks<ChildName> {
  return {
    onRestart(exit: ChildExit<ChildName>, delayMs: number): void {
      const when = delayMs === 0 ? "at once" : `in ${delayMs} ms`;
      console.error(
        `${exit.name} died: pid=${exit.pid} code=${exit.code} signal=${exit.signal}; starting it again ${when}`,
      );
    },
    onSilence(name, pid, silentMs) {
      console.error(`${name} is silent: pid=${pid} silentMs=${silentMs.toFixed(0)}; ending it by force`);
    },
    onLine(name, stream, line) {
      // What a simulated processor has to say at its start is in the summary already.
      if (stream === "stdout" && name.startsWith("processor-")) return;
      process[stream].write(printer.print(line));
    },
  };
}

main().catch((error: unknown) => {
  // The message says it all: a taken port, a wrong variable, a child's last lines.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
