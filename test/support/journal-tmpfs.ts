import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system of its own that can be full. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Undefined where this process may not mount anything: see `whyNoDisk`. */
  static mount(size: string): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), "rinha-disk-"));
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
    if (status === 0) return new SmallDisk(path);
    rmSync(path, { recursive: true });
    return undefined;
  }

  unmount(): void {
    const { status, stderr } = spawnSync("umount", ["--lazy", this.path]);
    if (status !== 0) throw new Error(`the disk must be unmounted: path=${this.path} ${stderr}`);
    rmSync(this.path, { recursive: true });
  }
}

export const WHY_NO_DISK =
  "skipped: mounting a tmpfs is not permitted here (needs root, or CAP_SYS_ADMIN in a container)";
