import { flags, type OptionValues, texts } from "../../command/command-line.ts";
import { readLimit } from "../limits/limit.ts";
import { CONTEST_LIMITS } from "./limited-topology.ts";
import type { Limits } from "./named-groups.ts";

/** What nginx and each instance may use. */
export const WISH_LIMIT_OPTIONS = texts("nginx-limit", "instance-limit");
export const LIMIT_OPTIONS = { ...WISH_LIMIT_OPTIONS, ...flags("no-limits") };

export const LIMIT_USAGE = `  --nginx-limit CPUS:MB    by cgroups, else by systemd-run                     (0.3:50)
  --instance-limit CPUS:MB                                                    (0.6:150)
  --no-limits              no limits, as on a machine without either`;

export const WISH_LIMIT_USAGE = `  --nginx-limit CPUS:MB    by cgroups, else by systemd-run                      (none)
  --instance-limit CPUS:MB                                                      (none)`;

export const CONTAINERS_OPTION = flags("containers");

export const CONTAINERS_USAGE = `  --containers             ours in containers, as docker/ has them, in the engine of
                           this machine or one of Debian's packages: docs/containers.md`;

type LimitValues = OptionValues<typeof LIMIT_OPTIONS>;

/** `undefined`: no limits. */
export function readLimits(values: LimitValues): Limits | undefined {
  const limits = limitsOf(values);
  return values["no-limits"] === true ? undefined : limits;
}

/** Where there are none unless they are asked for; who is not named then has the contest's. */
export function readWishedLimits(values: Omit<LimitValues, "no-limits">): Limits | undefined {
  const isWished = values["nginx-limit"] !== undefined || values["instance-limit"] !== undefined;
  return isWished ? limitsOf(values) : undefined;
}

function limitsOf(values: LimitValues): Limits {
  const limitOf = (name: "nginx" | "instance") => {
    const text = values[`${name}-limit`];
    return text === undefined ? CONTEST_LIMITS[name] : readLimit(`${name}-limit`, text);
  };
  return { nginx: limitOf("nginx"), instance: limitOf("instance") };
}

/** Throws where an option was given that containers cannot follow. */
export function readInContainers(values: { containers?: boolean | undefined } & Record<string, unknown>): boolean {
  if (values.containers !== true) return false;
  for (const name of ["target", "profile", "port", "no-limits"]) {
    if (values[name] !== undefined) throw new Error(`${name} must come without --containers: ${name}=${values[name]}`);
  }
  return true;
}
