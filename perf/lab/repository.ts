import { fileURLToPath } from "node:url";

/** Compiled layout: build/perf/lab/repository.js. */
export const repositoryRoot = fileURLToPath(new URL("../../../", import.meta.url));
