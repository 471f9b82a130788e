/** A way to run an instance, to be compared with the first one. */
export interface Mode {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** What somebody does to the instance during a round, such as reading its metrics; returns how to end it. */
  readonly beside?: (port: number) => () => Promise<void>;
}

/** `collectorUrl`: where spans go. */
export function modesWith(collectorUrl: string): readonly Mode[] {
  const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl, OTEL_TRACES_SAMPLER: "parentbased_traceidratio" };
  return [
    { name: "off", env: {} },
    { name: "traces 1 %", env: { ...traces, OTEL_TRACES_SAMPLER_ARG: "0.01" } },
    { name: "traces 100 %", env: { ...traces, OTEL_TRACES_SAMPLER_ARG: "1" } },
  ];
}
