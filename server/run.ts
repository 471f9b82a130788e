import { parseArgs } from "node:util";
import { Instance } from "./instance.ts";
import { Log } from "./log/log.ts";
import { readConfig } from "./settings/config.ts";
import { settingsHelp, settingsMarkdown } from "./settings/settings.ts";
import { keepHeapSmall } from "./system/heap.ts";
import { sourceStack } from "./system/source-stack.ts";

const USAGE =
  "usage: node build/server/main.js [--help | --help-markdown]\n\n" +
  "An instance of the payment intermediary. Settings come from the environment:\n";

/** Exit code of a configuration that cannot be used, as for a shell's misuse of a command. */
const EXIT_USAGE = 2;

/**
 * What the process does, from its arguments to its end. `onStop` takes what SIGTERM and SIGINT are to do from now on;
 * before the start they end the process at once, during it they take back what was begun, and afterwards they let what
 * is in flight finish.
 */
export async function run(onStop: (handler: () => void) => void): Promise<void> {
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

  const stopping = new AbortController();
  onStop(() => stopping.abort());
  const instance = await Instance.start(config, log, die, stopping.signal).catch((error: Error) => {
    if (stopping.signal.aborted) log.logger.info("stopped during the start");
    else log.logger.fatal(`cannot start: ${error.message}`);
    log.close();
    return process.exit(stopping.signal.aborted ? 0 : 1);
  });
  keepHeapSmall();
  let isStopping = false;
  onStop(() => {
    if (isStopping) return;
    isStopping = true;
    void instance.stop().then(() => process.exit(0));
  });
}
