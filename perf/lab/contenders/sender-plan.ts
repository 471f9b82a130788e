import type { ChildName } from "../../launch/plans.ts";
import type { ChildPlan } from "../../launch/supervisor.ts";
import type { TopologyPlaces } from "../../launch/topology-options.ts";
import { SENDER_MAIN } from "../floor/programs.ts";
import { type NamedGroups, SENDER_NAME } from "./named-groups.ts";

const STOP_TIMEOUT_MS = 2000;
const READY_TIMEOUT_MS = 5000;

/** The fairer floor's sender: to the default processor, as most of a service's payments go. */
export function senderPlan(
  { processorUrls, instanceSockets }: TopologyPlaces,
  groups: NamedGroups | undefined,
): ChildPlan<ChildName> {
  const sources = instanceSockets.map((socket) => `unix:${socket}`);
  const command = [process.execPath, SENDER_MAIN, processorUrls["default"]!, ...sources];
  const [file, ...args] = groups?.senderCommand(command) ?? command;
  return {
    name: SENDER_NAME,
    command: { file: file!, args, cwd: process.cwd(), env: process.env },
    stopSignal: "SIGTERM",
    stopTimeoutMs: STOP_TIMEOUT_MS,
    readyTimeoutMs: READY_TIMEOUT_MS,
    prepare() {},
    // It asks the floor until that answers, so there is nothing to wait for.
    isReady: async () => true,
  };
}
