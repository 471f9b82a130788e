import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import { ROOT } from "../system/root.ts";

const SERVICE_NAME = "rinha-backend";
/** Not yet among the stable conventions. */
const ATTR_SERVICE_INSTANCE_ID = "service.instance.id";

/** Who makes the spans. */
export const SCOPE = { name: SERVICE_NAME, version: serviceVersion() };

/**
 * What every span says of its origin; the OTEL_* variables of the process have the last word. `instance` counts from 0.
 */
export function resourceOf(instance: number): Resource {
  const own = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: SERVICE_NAME,
    [ATTR_SERVICE_VERSION]: SCOPE.version,
    [ATTR_SERVICE_INSTANCE_ID]: `${hostname()}-${instance + 1}`,
  });
  return defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }));
}

function serviceVersion(): string {
  const text = readFileSync(`${ROOT}package.json`, "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
