import { spawn } from "node:child_process";

/** Of the end of what a failed tool said. */
const TOLD_LINE_COUNT = 25;

export type ToolOptions = {
  readonly cwd?: string;
  /** In place of ours. */
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** What it prints as errors too, behind the rest. */
  readonly withErrors?: boolean;
};

const TIMEOUT_MS = 600_000;

/** What a program prints. Rejects when it does not end well, with the end of all that it said. */
export async function runTool(
  command: string,
  args: readonly string[],
  { cwd, env, timeoutMs = TIMEOUT_MS, signal, withErrors = false }: ToolOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    cwd,
    env: env ?? process.env,
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    signal,
  });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  const how = await new Promise<string | undefined>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, killedBy) => resolve(code === 0 ? undefined : `status=${code ?? killedBy}`));
  });
  if (how === undefined) return withErrors ? said.stdout + said.stderr : said.stdout;
  const end = `${said.stdout}${said.stderr}`.trimEnd().split("\n").slice(-TOLD_LINE_COUNT).join("\n");
  throw new Error(`${[command, ...args].join(" ")} must succeed: ${how}\n${end}`);
}
