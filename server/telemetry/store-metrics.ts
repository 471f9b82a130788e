import type { MetricsSource } from "./metrics-source.ts";
import type { Readings } from "./readings.ts";

/** How it stands with a store that several hosts share; nothing where there is none. */
export function registerStore(readings: Readings, { custody }: MetricsSource): void {
  if (custody.standing === undefined) return;
  const { standing } = custody;
  readings.gauge("store_lease_valid", "Whether this instance's lease is valid: 1, or 0.", () =>
    custody.standing!.isLeaseValid ? 1 : 0,
  );
  readings.gauge(
    "store_members",
    "Instances that have a lease, this one included.",
    () => custody.standing!.memberCount,
  );
  readings.gauge("store_standby_asked_for", "Whether commits wait for a standby: 1, or 0.", () =>
    custody.standing!.isStandbyAskedFor ? 1 : 0,
  );
  if (standing.syncStandbyCount === undefined) return;
  readings.gauge(
    "store_sync_standbys",
    "Standbys that commits wait for and that keep up.",
    () => custody.standing!.syncStandbyCount ?? 0,
  );
}
