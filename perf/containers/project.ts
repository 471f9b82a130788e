import { fileURLToPath } from "node:url";

/** The folder that images are built from, without a slash at its end. Compiled layout: build/perf/containers/. */
export const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
