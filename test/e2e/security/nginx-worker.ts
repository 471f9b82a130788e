import { readFileSync } from "node:fs";
import type { Service } from "../service.ts";

/** The process of the balancer that has the connections. */
export function nginxWorkerPid(service: Service): number {
  const master = service.pidOf("nginx")!;
  const children = readFileSync(`/proc/${master}/task/${master}/children`, "utf8").trim().split(" ");
  return Number(children[0]);
}
