// Makes build/server/api/openapi.json, which the instances serve, of docs/openapi.yaml. YAML is for people and needs a
// package; instances read JSON, and only when somebody asks.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "build", "server", "api", "openapi.json");
const unfinished = `${target}.${process.pid}`;

mkdirSync(dirname(target), { recursive: true });
writeFileSync(unfinished, JSON.stringify(parse(readFileSync(join(root, "docs", "openapi.yaml"), "utf8"))));
// Whoever reads it meanwhile finds the old one or the new one.
renameSync(unfinished, target);
