import { parseArgs } from "node:util";
import { Instance } from "./instance.ts";
import { Log } from "./log/log.ts";
import { type Config, readConfig } from "./settings/config.ts";
import { settingsHelp, settingsMarkdown } from "./settings/settings.ts";
import { keepHeapSmall } from "./system/heap.ts";
import { sourceStack } from "./system/source-stack.ts";

const USAGE =
  "usage: node build/server/main.js [--help | --help-markdown]\n\n" +
  "An instance of the payment intermediary. Settings come from the environment:\n";

/** Exit code of a configuration that cannot be used, as for a shell's misuse of a command. */
const EXIT_USAGE = 2;

type OnStop = (handler: () => void) => void;

/**
 * What the process does, from its arguments to its end. `onStop` takes what SIGTERM and SIGINT are to do from now on;
 * before the start they end the process at once, during it they take back what was begun, and afterwards they let what
 * is in flight finish.
 */
export async function run(onStop: OnStop): Promise<void> {
  const { values: flags } = parseArgs({ options: { help: { type: "boolean" }, "help-markdown": { type: "boolean" } } });
  if (flags["help-markdown"]) return console.log(settingsMarkdown());
  if (flags.help) return console.log(USAGE + settingsHelp());

  const config = readConfig(process.env);
  if (Array.isArray(config)) {
    for (const error of config) console.error(error);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const log = new Log(config.logLevel, config.instance);
  const die = (error: unknown): never => {
    if (error instanceof Error && error.stack !== undefined) error.stack = sourceStack(error.stack);
    log.logger.fatal({ err: error }, "an invariant is broken, or a part has ended: the process ends");
    log.close();
    process.exit(1);
  };
  process.on("uncaughtException", die);
  process.on("unhandledRejection", die);
  process.on("SIGUSR2", () => log.toggle());

  const instance = await startInstance(config, log, die, onStop);
  await instance.startMonitor().catch((error: Error) => {
    log.logger.fatal(`cannot start the health monitor: ${error.message}`);
    stop(instance, 1);
  });
  // After the thread has its code, which V8 refuses with other options than it was made with.
  keepHeapSmall();
}

/** Ends the process when it cannot, or is told to stop meanwhile. */
async function startInstance(
  config: Config,
  log: Log,
  die: (error: unknown) => never,
  onStop: OnStop,
): Promise<Instance> {
  const stopping = new AbortController();
  onStop(() => stopping.abort());
  const instance = await Instance.start(config, log, die, stopping.signal).catch((error: Error) => {
    if (stopping.signal.aborted) log.logger.info("stopped during the start");
    else log.logger.fatal(`cannot start: ${error.message}`);
    log.close();
    return process.exit(stopping.signal.aborted ? 0 : 1);
  });
  onStop(() => stop(instance, 0));
  return instance;
}

let isStopping = false;

/** In order, once. */
function stop(instance: Instance, code: number): void {
  if (isStopping) return;
  isStopping = true;
  void instance.stop().then(() => process.exit(code));
}
