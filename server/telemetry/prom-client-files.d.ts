// prom-client has types for the package as a whole only.
declare module "prom-client/lib/registry.js" {
  import { Registry } from "prom-client";
  import type { Metric } from "prom-client/lib/metric.js";

  // biome-ignore lint/style/noDefaultExport: a CommonJS module is its default export
  export default class RegistryWithHook extends Registry {
    /** Asked for every metric of a scrape, in one turn. The lines of one metric, without a newline at the end. */
    getMetricsAsString(metric: Metric): Promise<string>;
  }
}
declare module "prom-client/lib/metric.js" {
  import type { Registry } from "prom-client";

  export interface MetricConfiguration {
    name: string;
    help: string;
    labelNames: readonly string[];
    registers: readonly Registry[];
  }
  /** Checks names and labels, and registers itself.  */
  export abstract class Metric {
    readonly name: string;
    readonly help: string;
    constructor(configuration: MetricConfiguration);
  }
}
