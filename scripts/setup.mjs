// Makes a checkout runnable: npm packages, nginx, Chromium, PostgreSQL if asked for, the build. Says and does nothing
// when all is there, and needs the network only for what is missing. No packages of its own: it runs before there are
// any.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import checkout from "./checkout.cjs";

const {
  arePackagesCurrent,
  bundlers,
  findExecutable,
  inRoot,
  isComplete,
  isStamped,
  listFiles,
  PARTS,
  partOf,
  projects,
} = checkout;
const help = `node scripts/setup.mjs [--nginx | --balancer] [--chromium] [--redis] [--postgres] [--clients]
                            [--force-build]

Installs the npm packages if they are missing or not those of package-lock.json, compiles what has changed to build/,
and bundles it to build/bundle/.

  --nginx        also see to it that nginx is there: as root it is installed with apt-get, otherwise you are told how
  --balancer     likewise, unless the environment has BALANCER=none
  --chromium     likewise Chromium, for the tests of pages; without it they are skipped, so nobody fails for want of it
  --redis        likewise Redis, for the tests of health polls that are shared by it
  --postgres     likewise PostgreSQL's programs, for the tests of the store, which start servers of their own
  --clients      likewise the load generators of docs/clients.md that Debian has
  --force-build  compile everything from scratch
  --help         this text
`;

/** A rule that does not hold; its message is all there is to say. */
class SetupError extends Error {}

/** Its output goes to the standard error: the standard output belongs to the command that comes after. */
function run(what, command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: checkout.root,
    stdio: ["inherit", process.stderr.fd, "inherit"],
    env: { ...process.env, ...env },
  });
  if (status !== 0)
    throw new SetupError(`${what} must succeed: ${error ? `error=${error.message}` : `status=${status}`}`);
}

// ── Node.js ────────────────────────────────────────────────────────────────────────────────────────────────────────

function checkNodeVersion() {
  const required = checkout.readJson(inRoot("package.json")).engines.node;
  const found = process.versions.node.split(".").map(Number);
  const isOk = required.split(" ").every((bound) => {
    const [, operator, text] = /^(>=|<)([\d.]+)$/.exec(bound);
    const isAtLeast = compareVersions(found, text.split(".").map(Number)) >= 0;
    return operator === ">=" ? isAtLeast : !isAtLeast;
  });
  if (!isOk)
    throw new SetupError(`Node.js must be of a supported version: required="${required}" found=${process.version}`);
}

function compareVersions(a, b) {
  const difference = [0, 1, 2].map((i) => (a[i] ?? 0) - (b[i] ?? 0)).find((part) => part !== 0);
  return difference ?? 0;
}

// ── npm packages ───────────────────────────────────────────────────────────────────────────────────────────────────

function installPackages() {
  if (arePackagesCurrent()) return;
  console.error("setup: installing npm packages");
  // The npm that runs us, if any. NODE_ENV=production would leave out the compiler.
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
  run("npm ci", command, [...first, "ci", "--include=dev", "--no-audit", "--no-fund", "--prefer-offline"]);
  if (!arePackagesCurrent())
    throw new SetupError("npm packages must match package-lock.json after npm ci: match=false");
}

/** The HTTP server is a binary, one for each Node.js version, linked against glibc. */
function checkHttpServerLoads() {
  try {
    createRequire(inRoot("package.json"))("uWebSockets.js");
  } catch (error) {
    const { platform, arch, versions, version } = process;
    const binary = `uws_${platform}_${arch}_${versions.modules}.node`;
    const glibc = process.report?.getReport().header.glibcVersionRuntime ?? "none";
    const hint = existsSync(inRoot("node_modules", "uWebSockets.js", binary))
      ? "the binary is there but does not load; musl (Alpine) and old glibc are not supported"
      : "there is none for this Node.js; use an LTS release: 20, 22 or 24";
    const found = `binary=${binary} node=${version} glibc=${glibc}`;
    throw new SetupError(`uWebSockets.js must load: ${found}\n${hint}\n${String(error.message).trim()}`);
  }
}

// ── nginx ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `otherwise` is what somebody can do who cannot install it. */
function installNginx(otherwise = "") {
  if (findExecutable("nginx") !== undefined) return;
  const isRoot = process.getuid?.() === 0;
  if (findExecutable("apt-get") === undefined) {
    const hint = "install it with the package manager of this system";
    throw new SetupError(`nginx must be installed: nginx=none (${hint})${otherwise}`);
  }
  if (!isRoot) {
    const command = "sudo apt-get update && sudo apt-get install -y --no-install-recommends nginx";
    throw new SetupError(`nginx must be installed: nginx=none; run\n  ${command}${otherwise}`);
  }
  aptInstall("nginx");
  if (findExecutable("nginx") === undefined)
    throw new SetupError("nginx must be there after its installation: nginx=none");
}

/** For `npm start`, which can do without it. */
function installBalancer() {
  if (process.env.BALANCER === "none") return;
  installNginx("\nor start without it, every instance on a port of its own:\n  BALANCER=none npm start");
}

function aptInstall(name) {
  console.error(`setup: installing ${name} with apt-get`);
  withoutServiceStarts(() => {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    run("apt-get update", "apt-get", ["update", "-qq"], env);
    const options = ["-yqq", "-o", "Dpkg::Use-Pty=0", "--no-install-recommends"];
    run(`apt-get install ${name}`, "apt-get", ["install", ...options, name], env);
  });
}

/** Packages would start servers for the whole system: nginx, Redis. Debian's ask this file for permission first. */
function withoutServiceStarts(install) {
  const policy = "/usr/sbin/policy-rc.d";
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    install();
  } finally {
    if (isOurs) rmSync(policy, { force: true });
  }
}

// ── What only tests need ───────────────────────────────────────────────────────────────────────────────────────────

/** Nobody fails for want of it: the tests that need it are skipped. */
function installForTests(what, isThere, packageName, tests) {
  if (isThere) return;
  try {
    if (findExecutable("apt-get") === undefined) throw new SetupError("there is no apt-get");
    const command = `sudo apt-get install -y --no-install-recommends ${packageName}`;
    if (process.getuid?.() !== 0) throw new SetupError(`run ${command}`);
    aptInstall(packageName);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`setup: no ${what}, the tests of ${tests} are skipped: ${error.message}`);
  }
}

function isAnyThere(executables) {
  return executables.some((name) => findExecutable(name) !== undefined);
}

function installChromium() {
  const isThere = isAnyThere(["chromium", "chromium-browser", "google-chrome"]);
  installForTests("Chromium", isThere, "chromium", "pages");
}

function installRedis() {
  installForTests("Redis", isAnyThere(["redis-server", "valkey-server"]), "redis-server", "shared health polls");
}

/** Debian has the programs of each version in a folder of its own, and not in the PATH. */
function installPostgres() {
  const folder = "/usr/lib/postgresql";
  const isThere = existsSync(folder) && readdirSync(folder).some((name) => Number(name) >= 14);
  installForTests("PostgreSQL", isThere, "postgresql", "the store");
}

function installClients() {
  for (const name of ["curl", "wrk", "hey"]) installForTests(name, isAnyThere([name]), name, name);
}

// ── The build ──────────────────────────────────────────────────────────────────────────────────────────────────────

function build(isForced) {
  const parts = Object.keys(PARTS).map(partOf);
  const isWhole = parts.every(isComplete);
  if (!isForced && isWhole && parts.every(isStamped)) return;

  checkHttpServerLoads();
  console.error("setup: compiling to build/");
  if (isForced) rmSync(inRoot("build"), { recursive: true, force: true });
  // The compiler goes by its own notes and would not write again what somebody has deleted.
  else if (!isWhole)
    for (const notes of [".tsbuildinfo", ".tsbuildinfo-page"]) rmSync(inRoot("build", notes), { force: true });
  removeOrphans(parts);
  for (const { name } of parts) rmSync(checkout.stampOf(name), { force: true });
  const compiler = inRoot("node_modules", "typescript", "bin", "tsc");
  for (const project of projects) run("tsc", process.execPath, [compiler, "-p", project]);
  run("bundling", process.execPath, [inRoot(bundlers[0])]);
  run("scripts/openapi.mjs", process.execPath, [inRoot("scripts", "openapi.mjs")]);
  for (const part of parts) checkout.stamp(part);
}

/** The output of a source that is gone: a removed test must not go on running. */
function removeOrphans(parts) {
  const outputs = new Set(parts.flatMap((part) => part.outputs));
  const folders = Object.values(PARTS).flatMap((part) => part.folders);
  for (const path of folders.flatMap((folder) => listFiles(`build/${folder}`, ".js"))) {
    if (outputs.has(path)) continue;
    rmSync(inRoot(path), { force: true });
    rmSync(inRoot(`${path}.map`), { force: true });
  }
}

// ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function main(args) {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(help);
    return;
  }
  const options = ["--nginx", "--balancer", "--chromium", "--redis", "--postgres", "--clients", "--force-build"];
  const unknown = args.filter((argument) => !options.includes(argument));
  if (unknown.length > 0) throw new SetupError(`arguments must be known: arguments=${unknown.join(" ")}\n\n${help}`);
  checkNodeVersion();
  installPackages();
  if (args.includes("--nginx")) installNginx();
  if (args.includes("--balancer")) installBalancer();
  if (args.includes("--chromium")) installChromium();
  if (args.includes("--redis")) installRedis();
  if (args.includes("--postgres")) installPostgres();
  if (args.includes("--clients")) installClients();
  build(args.includes("--force-build"));
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}
