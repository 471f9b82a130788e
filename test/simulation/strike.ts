import type { Deployment } from "./deployment.ts";
import { describeIncident, type Incident } from "./incident.ts";
import { isDatabaseIncident, strikeDatabase } from "./strike-database.ts";

/** Lets an incident happen; what lasts for a while is over by itself. */
export function strike(deployment: Deployment, incident: Incident): void {
  const { clients, disk, network, world } = deployment;
  world.note(() => describeIncident(incident));
  switch (incident.kind) {
    case "pay":
      clients.pay(incident.payment, incident.cents, incident.repeats, incident.isForeign);
      return;
    case "again":
      clients.again(incident.payment, incident.isConflict);
      return;
    case "summary":
      clients.askSummary(incident.fromMs, incident.toMs);
      return;
    case "look":
      clients.look(incident.payment);
      return;
    case "purge":
      clients.purge();
      return;
    case "wall clock":
      world.timeMaxMs = Math.max(world.timeMaxMs, world.wallMaxMs);
      world.wallOffsetMs += incident.stepMs;
      return;
    case "processor":
      strikeProcessor(deployment, incident);
      return;
    case "network":
      network.weather[incident.processor] = incident.weather;
      world.clock.after(incident.forMs, () => {
        network.weather[incident.processor] = undefined;
      });
      return;
    case "sync fails":
      disk.faults.failSyncAfter = incident.operation;
      return;
    case "read fails":
      disk.faults.failReadAfter = incident.operation;
      return;
    case "disk full":
      disk.faults.roomBytes = incident.roomBytes;
      world.clock.after(incident.forMs, () => {
        disk.faults.roomBytes = Number.POSITIVE_INFINITY;
      });
      return;
    case "kill all":
      deployment.killAll(incident.downMs);
      return;
    case "lose power":
      deployment.losePower(incident.downMs);
      return;
    case "link":
      deployment.calls.lossChance = incident.lossChance;
      deployment.calls.lateMsMax = incident.lateMsMax;
      if (incident.lateMsMax > 0) noteLateLink(deployment, incident.forMs + incident.lateMsMax);
      deployment.streams.lateMsMax = incident.lateMsMax;
      world.clock.after(incident.forMs, () => healLink(deployment));
      return;
    default:
      if (isDatabaseIncident(incident)) strikeDatabase(deployment, incident);
      else strikeHost(deployment, incident);
  }
}

type HostIncident = Extract<Incident, { instance: number }>;

function strikeHost({ hosts }: Deployment, incident: HostIncident): void {
  const host = hosts[incident.instance]!;
  switch (incident.kind) {
    case "kill":
      host.kill(incident.downMs);
      return;
    case "leave":
      host.leave(incident.downMs);
      return;
    case "stop":
      host.stop(incident.forMs);
      return;
    case "mute":
      host.mute(incident.forMs);
      return;
    case "start twice":
      host.startTwice();
      return;
    case "kill in disk operation":
      host.downMs = incident.downMs;
      host.killFault.after = incident.operation;
      host.killFault.fraction = incident.fraction;
  }
}

function noteLateLink({ world }: Deployment, forMs: number): void {
  world.linkLateUntilMs = Math.max(world.linkLateUntilMs, world.clock.nowMs + forMs);
}

function healLink({ calls, streams }: Deployment): void {
  calls.lossChance = 0;
  calls.lateMsMax = 0;
  streams.lateMsMax = 0;
}

function strikeProcessor(deployment: Deployment, incident: Extract<Incident, { kind: "processor" }>): void {
  const processor = deployment.processors[incident.processor]!;
  processor.delayMs = incident.delayMs;
  processor.failing = incident.failing;
  processor.oddChance = incident.oddChance;
  processor.vagueChance = incident.vagueChance;
  deployment.world.clock.after(incident.forMs, () => healProcessor(deployment, incident.processor));
}

function healProcessor({ processors }: Deployment, processor: number): void {
  processors[processor]!.delayMs = 0;
  processors[processor]!.failing = false;
  processors[processor]!.oddChance = 0;
  processors[processor]!.vagueChance = 0;
}

/** From now on everything works. */
export function endFaults(deployment: Deployment): void {
  const { disk, database, hosts, network, processors, world } = deployment;
  world.note(() => "faults end");
  for (let processor = 0; processor < processors.length; processor++) {
    healProcessor(deployment, processor);
    network.weather[processor] = undefined;
  }
  disk.heal();
  database.heal();
  healLink(deployment);
  for (const host of hosts) {
    host.killFault.after = Number.POSITIVE_INFINITY;
    host.goOn();
  }
}
