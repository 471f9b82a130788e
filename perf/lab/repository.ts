import { fileURLToPath } from "node:url";

/** Compiled layout: build/perf/lab/repository.js. */
export const REPOSITORY_ROOT = fileURLToPath(new URL("../../../", import.meta.url));
