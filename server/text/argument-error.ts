/**
 * What a command says of an error. Node.js tells which argument it does not know, but not what to do; that is added.
 * All other errors say it themselves.
 */
export function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code = "" } = error as NodeJS.ErrnoException;
  if (!code.startsWith("ERR_PARSE_ARGS")) return error.message;
  // Its further sentences are about arguments that look like options.
  const [what] = error.message.split(". ");
  return `arguments must be those of --help: ${what}`;
}
