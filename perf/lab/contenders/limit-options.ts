import { readLimit } from "../limits/cgroups.ts";
import { CONTEST_LIMITS, type Limits } from "./limited-topology.ts";

/** For parseArgs: what nginx and each instance may use. */
export const LIMIT_OPTIONS = {
  "nginx-limit": { type: "string" },
  "instance-limit": { type: "string" },
  "no-limits": { type: "boolean" },
} as const;

export const LIMIT_USAGE = `  --nginx-limit CPUS:MB    by cgroups (version 1), where they can be written   (0.3:50)
  --instance-limit CPUS:MB                                                    (0.6:150)
  --no-limits              no limits, as on a machine without such cgroups`;

/** `undefined`: no limits. */
export function readLimits(values: {
  readonly "nginx-limit"?: string | undefined;
  readonly "instance-limit"?: string | undefined;
  readonly "no-limits"?: boolean | undefined;
}): Limits | undefined {
  const limitOf = (name: "nginx" | "instance") => {
    const text = values[`${name}-limit`];
    return text === undefined ? CONTEST_LIMITS[name] : readLimit(`${name}-limit`, text);
  };
  const limits = { nginx: limitOf("nginx"), instance: limitOf("instance") };
  return values["no-limits"] === true ? undefined : limits;
}
