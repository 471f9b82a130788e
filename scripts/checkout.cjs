// What is there of a checkout: packages, programs, the build. scripts/setup.mjs makes what is missing;
// scripts/start.cjs asks at every npm start, so this loads and reads no more than it must.
const { accessSync, constants, existsSync, readdirSync, readFileSync, statSync, writeFileSync } = require("node:fs");
const { delimiter, dirname, join } = require("node:path");
const process = require("node:process");

const root = dirname(__dirname);
const inRoot = (...parts) => join(root, ...parts);
const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/** npm notes in node_modules what it has installed, in the format of package-lock.json. */
function arePackagesCurrent() {
  const installedPath = inRoot("node_modules", ".package-lock.json");
  if (!existsSync(installedPath)) return false;
  const wanted = readJson(inRoot("package-lock.json")).packages;
  const installed = readJson(installedPath).packages;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    // Optional ones are mostly binaries for other platforms.
    if (path === "" || optional) return true;
    const found = installed[path];
    return found?.version === version && found.integrity === integrity && existsSync(`${root}/${path}/package.json`);
  });
}

function findExecutable(name) {
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    "/usr/sbin",
    "/usr/local/sbin",
    "/sbin",
    "/opt/homebrew/bin",
  ];
  return folders
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

// ── The build ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The live page's script is compiled for browsers, everything else for Node.js. */
const projects = [".", "server/page"];
/** They bundle what is compiled. */
const bundlers = ["bundle.mjs", "keep-code.mjs", "keep-code-at-exit.cjs"].map((name) => `scripts/${name}`);
/** What the instances serve of the API's description. */
const openapi = { source: "docs/openapi.yaml", output: "build/server/api/openapi.json" };
/** What bundling ends with. */
const bundledCode = "build/bundle/server/server-main-run.part.js.code";

/** Nobody waits for the tests' compilation who only starts the service. */
const PARTS = {
  program: {
    folders: ["core", "server", "perf"],
    others: [
      ...projects.map((project) => join(project, "tsconfig.json")),
      "package-lock.json",
      ...bundlers,
      openapi.source,
    ],
    outputs: [bundledCode, openapi.output],
  },
  tests: { folders: ["test"], others: [], outputs: [] },
};

function listFiles(folder, extension) {
  if (!existsSync(inRoot(folder))) return [];
  return readdirSync(inRoot(folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return listFiles(path, extension);
    return entry.name.endsWith(extension) ? [path] : [];
  });
}

const outputOf = (source) => `build/${source.replace(/\.ts$/, ".js")}`;
const stampOf = (name) => inRoot("build", `.stamp-${name}`);

/**
 * A part of what is built: its state changes with every source, added, removed, edited, with Node.js, whose code the
 * bundle keeps, and with the folder, which that code names.
 */
function partOf(name) {
  const { folders, others, outputs } = PARTS[name];
  const sources = folders.flatMap((folder) => listFiles(folder, ".ts")).sort();
  const lines = [...others, ...sources].map((path) => {
    const { mtimeMs, size } = statSync(`${root}/${path}`);
    return `${path} ${mtimeMs} ${size}`;
  });
  return {
    name,
    state: [`${process.arch} ${process.version} ${root}`, ...lines].join("\n"),
    outputs: [...sources.filter((path) => !path.endsWith(".d.ts")).map(outputOf), ...outputs],
  };
}

const isComplete = ({ outputs }) => outputs.every((path) => existsSync(`${root}/${path}`));
const isStamped = ({ name, state }) => existsSync(stampOf(name)) && readFileSync(stampOf(name), "utf8") === state;
const stamp = ({ name, state }) => writeFileSync(stampOf(name), state);

/** Whether npm start has nothing to do but start. */
function isReadyToStart() {
  if (process.env.BALANCER !== "none" && findExecutable("nginx") === undefined) return false;
  const program = partOf("program");
  return isStamped(program) && isComplete(program) && arePackagesCurrent();
}

module.exports = {
  PARTS,
  projects,
  bundlers,
  root,
  inRoot,
  readJson,
  arePackagesCurrent,
  findExecutable,
  listFiles,
  partOf,
  stampOf,
  isComplete,
  isStamped,
  stamp,
  isReadyToStart,
};
