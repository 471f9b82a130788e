import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";

/**
 * `first`: undefined for a connection in plain text. `second`: undefined where the first attempt is the only one;
 * "plain" where the server may refuse TLS.
 */
export type Tls = { first: ConnectionOptions | undefined; second: "plain" | undefined };

export const TLS_PARAMETERS: readonly string[] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

const MODES = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const;
type Mode = (typeof MODES)[number];

/**
 * What sslmode and its files ask for, by libpq's rules, but that the files have no usual places: they are named.
 *
 *   disable      plain text
 *   prefer       TLS if the server has it, whoever it is; the usual one
 *   require      TLS, whoever the server is; with sslrootcert the same as verify-ca
 *   verify-ca    its certificate comes from sslrootcert
 *   verify-full  and is for the host that was asked for; sslrootcert=system takes the authorities that Node.js knows
 *
 * Throws a `rule: name=value` error; also where a file cannot be read.
 */
export function readTls(parameters: ReadonlyMap<string, string>): Tls {
  const mode = (parameters.get("sslmode") ?? "prefer") as Mode;
  if (!MODES.includes(mode)) throw new Error(`sslmode is one of ${MODES.join(", ")}: STORE_URL sslmode=${mode}`);
  const files = TLS_PARAMETERS.filter((name) => name !== "sslmode" && parameters.has(name));
  if (mode === "disable") {
    if (files.length > 0) throw new Error(`files are for TLS: STORE_URL sslmode=disable ${files[0]}=given`);
    return { first: undefined, second: undefined };
  }
  if (parameters.has("sslcert") !== parameters.has("sslkey"))
    throw new Error(`sslcert and sslkey go together: STORE_URL ${files.join(" ")}`);
  const own = { ...fileOf("cert", "sslcert", parameters), ...fileOf("key", "sslkey", parameters) };
  return { first: { ...own, ...trustOf(mode, parameters) }, second: mode === "prefer" ? "plain" : undefined };
}

function trustOf(mode: Exclude<Mode, "disable">, parameters: ReadonlyMap<string, string>): ConnectionOptions {
  const root = parameters.get("sslrootcert");
  if (root === undefined) {
    if (mode.startsWith("verify"))
      throw new Error(`sslmode=${mode} needs to know whom to trust: STORE_URL sslrootcert=`);
    return { rejectUnauthorized: false };
  }
  if (root === "system") {
    if (mode !== "verify-full")
      throw new Error(`sslrootcert=system goes with sslmode=verify-full: STORE_URL sslmode=${mode}`);
    return { rejectUnauthorized: true };
  }
  const authorities = { ...fileOf("ca", "sslrootcert", parameters), rejectUnauthorized: true };
  return mode === "verify-full" ? authorities : { ...authorities, checkServerIdentity: () => undefined };
}

function fileOf(option: "ca" | "cert" | "key", name: string, parameters: ReadonlyMap<string, string>): object {
  const path = parameters.get(name);
  if (path === undefined) return {};
  try {
    return { [option]: readFileSync(path) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`a file of STORE_URL must be readable: ${name}=${path} code=${code}`);
  }
}
