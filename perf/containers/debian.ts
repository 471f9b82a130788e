import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../launch/programs.ts";
import { runTool } from "./tool.ts";

/** Debian 13: the first whose engine knows `--start-interval`. */
const SUITE = "trixie";
const MIRROR = "http://deb.debian.org/debian";
const ENGINE_PACKAGES = [
  "docker.io",
  "docker-cli",
  "docker-buildx",
  "docker-compose",
  "iptables",
  "iproute2",
  "slirp4netns",
];
const PROGRAMS = ["apt-get", "dpkg", "tar", "chroot", "unshare", "nsenter", "flock"];
/** What the slim images leave out as well. */
const LEFT_OUT = [
  "var/cache/apt/*",
  "var/lib/apt/lists/*",
  "var/log/*",
  "usr/share/doc/*",
  "usr/share/man/*",
  "usr/share/locale/*",
];

/** Says what takes a while. */
export type Progress = (line: string) => void;

/** Why this machine cannot make a file system of Debian's packages; undefined where it can. */
export function whyNoDebian(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `the machine must be Linux on x64: platform=${process.platform}-${process.arch}`;
  }
  if (process.getuid?.() !== 0) return `the user must be root: uid=${process.getuid?.()}`;
  const missing = PROGRAMS.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? undefined : `programs must be there: missing=${missing.join(",")}`;
}

/** Debian 13 as an archive, and unpacked with a Docker engine in it. Both are made once for each folder. */
export class Debian {
  readonly #folder: string;
  readonly #say: Progress;

  constructor(folder: string, say: Progress) {
    this.#folder = folder;
    this.#say = say;
  }

  /** The file system as a tar file: what the slim image of Debian has, more or less. */
  async archive(): Promise<string> {
    const archive = join(this.#folder, "debian.tar");
    if (existsSync(archive)) return archive;
    await this.#unpack();
    const without = LEFT_OUT.map((pattern) => `--exclude=./${pattern}`);
    await runTool("tar", ["-C", this.#root, ...without, "-cf", `${archive}.part`, "."]);
    renameSync(`${archive}.part`, archive);
    return archive;
  }

  /** A folder with a file system in which a Docker engine can run. */
  async engineRoot(): Promise<string> {
    const stamp = join(this.#folder, "root-has-engine");
    if (existsSync(stamp)) return this.#root;
    await this.archive();
    this.#say("installing a Docker engine of Debian 13 into a folder of its own");
    // Packages would start what they install; Debian's ask this file for permission first.
    writeFileSync(join(this.#root, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    copyFileSync("/etc/resolv.conf", join(this.#root, "etc/resolv.conf"));
    const install = `apt-get update -qq && apt-get install -yqq --no-install-recommends ${ENGINE_PACKAGES.join(" ")}`;
    await runTool("chroot", [this.#root, "sh", "-c", `${install} && apt-get clean`], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    });
    writeFileSync(stamp, "");
    return this.#root;
  }

  get #root(): string {
    return join(this.#folder, "root");
  }

  /** Unpacked by debootstrap, which is itself unpacked here rather than installed. */
  async #unpack(): Promise<void> {
    this.#say("unpacking Debian 13, about a minute");
    rmSync(this.#root, { recursive: true, force: true });
    const tools = join(this.#folder, "tools");
    mkdirSync(tools, { recursive: true });
    await runTool("apt-get", ["update", "-qq"]);
    // apt's own user may not write here; the warning that it says so with ends nothing.
    await runTool("apt-get", ["download", "-qq", "debootstrap"], { cwd: tools });
    const file = readdirSync(tools).find((name) => name.endsWith(".deb"))!;
    await runTool("dpkg", ["-x", join(tools, file), tools]);
    const program = join(tools, "usr/sbin/debootstrap");
    await runTool(program, ["--variant=minbase", "--include=ca-certificates", SUITE, this.#root, MIRROR], {
      env: { ...process.env, DEBOOTSTRAP_DIR: join(tools, "usr/share/debootstrap") },
    });
  }
}
