import type { CommandLine, OptionSpec, OptionValues } from "../../command/command-line.ts";
import { runCommand } from "../../command/run-command.ts";
import { describeCommit } from "./commit.ts";
import { finish } from "./finish.ts";
import { describeMachine } from "./machine.ts";
import { OUTPUT_OPTIONS, readOutDir } from "./output-options.ts";
import type { Measured } from "./result.ts";

export type MeasurementCommand<Spec extends OptionSpec, Wish> = CommandLine<Spec, Wish> & {
  /**
   * Rejects when it is called off. `show` prints what is for people only, such as tables of a round, before the result.
   */
  measure(
    wish: Wish,
    signal: AbortSignal,
    show: (text: string) => void,
  ): Promise<Measured & { readonly postscript?: string | undefined }>;
};

/**
 * What every measurement's main does around itself, besides runCommand: it adds when, on what and of which commit it
 * measured, prints and saves the result, and prints the postscript after it.
 */
export async function runMeasurement<Spec extends OptionSpec, Wish>(
  command: MeasurementCommand<Spec, Wish>,
): Promise<void> {
  const withOutput = {
    usage: command.usage,
    options: { ...command.options, ...OUTPUT_OPTIONS },
    read: (values: OptionValues<Spec & typeof OUTPUT_OPTIONS>) => ({
      wish: command.read(values as OptionValues<Spec>, []),
      outDir: readOutDir(values),
      isJson: values.json === true,
    }),
  };
  await runCommand(withOutput, async ({ wish, outDir, isJson }, signal) => {
    const show = (text: string): void => {
      if (!isJson) process.stdout.write(text);
    };
    const startedAt = new Date().toISOString();
    const commit = describeCommit();
    const { postscript, ...measured } = await command.measure(wish, signal, show);
    const result = { ...measured, startedAt, commit, machine: describeMachine() };
    await finish(result, { outDir, print: isJson ? "json" : "text" });
    if (postscript !== undefined) show(postscript);
  });
}
