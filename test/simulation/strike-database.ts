import type { Deployment } from "./deployment.ts";
import type { Incident } from "./incident.ts";
import { CALM, type VirtualDatabase } from "./virtual-database.ts";

const DATABASE_INCIDENTS = [
  "database weather",
  "database away",
  "standby away",
  "waits cancelled",
  "database crash",
  "failover",
] as const;

export type DatabaseIncident = Extract<Incident, { kind: (typeof DATABASE_INCIDENTS)[number] }>;

export function isDatabaseIncident(incident: Incident): incident is DatabaseIncident {
  return (DATABASE_INCIDENTS as readonly string[]).includes(incident.kind);
}

/** Lets something happen to the database. */
export function strikeDatabase({ database, world }: Deployment, incident: DatabaseIncident): void {
  const { clock } = world;
  switch (incident.kind) {
    case "database weather":
      strikeWeather(database, incident);
      clock.after(incident.forMs, () => endWeather(database, incident));
      return;
    case "database away": {
      const instance = incident.from === "all" ? undefined : incident.from;
      database.reach(incident.reach, instance);
      clock.after(incident.forMs, () => database.reach("there", instance));
      return;
    }
    case "standby away":
      database.stallStandby(true);
      clock.after(incident.forMs, () => database.stallStandby(false));
      return;
    case "waits cancelled":
      database.cancelWaits();
      return;
    case "database crash":
      database.crash(incident.downMs);
      return;
    case "failover":
      database.failOver(incident.downMs, incident.stale, incident.staleMs);
  }
}

type WeatherIncident = Extract<DatabaseIncident, { kind: "database weather" }>;

function strikeWeather(database: VirtualDatabase, { of, weather }: WeatherIncident): void {
  if (of === "all") database.weather = weather;
  else database.weatherOf.set(of, weather);
}

function endWeather(database: VirtualDatabase, { of, weather }: WeatherIncident): void {
  if (of === "all" && database.weather === weather) database.weather = CALM;
  if (of !== "all" && database.weatherOf.get(of) === weather) database.weatherOf.delete(of);
}
