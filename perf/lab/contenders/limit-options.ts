import { flags, type OptionValues, texts } from "../../command/command-line.ts";
import { readLimit } from "../limits/limit.ts";
import { CONTEST_LIMITS } from "./limited-topology.ts";
import type { Limits } from "./named-groups.ts";

/** What nginx and each instance may use. */
export const LIMIT_OPTIONS = { ...texts("nginx-limit", "instance-limit"), ...flags("no-limits") };

export const LIMIT_USAGE = `  --nginx-limit CPUS:MB    by cgroups, else by systemd-run                     (0.3:50)
  --instance-limit CPUS:MB                                                    (0.6:150)
  --no-limits              no limits, as on a machine without either`;

/** `undefined`: no limits. */
export function readLimits(values: OptionValues<typeof LIMIT_OPTIONS>): Limits | undefined {
  const limitOf = (name: "nginx" | "instance") => {
    const text = values[`${name}-limit`];
    return text === undefined ? CONTEST_LIMITS[name] : readLimit(`${name}-limit`, text);
  };
  const limits = { nginx: limitOf("nginx"), instance: limitOf("instance") };
  return values["no-limits"] === true ? undefined : limits;
}
