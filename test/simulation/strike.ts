import { describeIncident, type Incident } from "./plan.ts";
import type { World } from "./world.ts";

/** Lets an incident happen; what lasts for a while is over by itself. */
export function strike(world: World, incident: Incident): void {
  world.note(() => describeIncident(incident));
  const { clients, clock, hosts, network, processors } = world;
  const heal = (forMs: number, cure: () => void) => clock.after(forMs, cure);
  switch (incident.kind) {
    case "pay":
      clients.pay(incident.payment, incident.cents, incident.repeats, incident.isForeign);
      break;
    case "again":
      clients.again(incident.payment, incident.isConflict);
      break;
    case "summary":
      clients.askSummary(incident.fromMs, incident.toMs, incident.pauseMs);
      break;
    case "purge":
      clients.purge();
      break;
    case "kill":
      hosts[incident.instance]!.kill(incident.downMs);
      break;
    case "kill in disk operation":
      world.downMsOfKill[incident.instance] = incident.downMs;
      hosts[incident.instance]!.disk.killIn(incident.operation, incident.fraction);
      break;
    case "lose power":
      hosts[incident.instance]!.losePower(incident.downMs);
      break;
    case "disk full": {
      const { disk } = hosts[incident.instance]!;
      disk.roomBytes = incident.roomBytes;
      heal(incident.forMs, () => {
        disk.roomBytes = Number.POSITIVE_INFINITY;
      });
      break;
    }
    case "wall clock":
      world.timeMaxMs = Math.max(world.timeMaxMs, world.wallMs);
      world.wallOffsetMs += incident.stepMs;
      break;
    case "processor": {
      const processor = processors[incident.processor]!;
      processor.delayMs = incident.delayMs;
      processor.failing = incident.failing;
      heal(incident.forMs, () => healProcessor(world, incident.processor));
      break;
    }
    case "network":
      network.weather[incident.processor] = incident.weather;
      heal(incident.forMs, () => {
        network.weather[incident.processor] = undefined;
      });
      break;
  }
}

function healProcessor(world: World, processor: number): void {
  world.processors[processor]!.delayMs = 0;
  world.processors[processor]!.failing = false;
}

/** From now on everything works. */
export function endFaults(world: World): void {
  world.note(() => "faults end");
  for (let processor = 0; processor < world.processors.length; processor++) {
    healProcessor(world, processor);
    world.network.weather[processor] = undefined;
  }
  for (const { disk } of world.hosts) {
    disk.roomBytes = Number.POSITIVE_INFINITY;
    disk.disarm();
  }
}
