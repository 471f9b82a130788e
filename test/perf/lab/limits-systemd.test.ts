import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect } from "chai";
import { readLimit } from "../../../perf/lab/limits/limit.ts";
import { SystemdScopes } from "../../../perf/lab/limits/systemd-scopes.ts";

/** A stand-in notes how it was called. The real systemd-run becomes the command behind `--` as well. */
const SYSTEMD_RUN = `#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
while [ "$1" != "--" ]; do shift; done
shift
exec "$@"
`;
const SYSTEMCTL = `#!/bin/sh
printf '%s\\n' "systemctl $*" >> "$CALLS"
echo /user.slice/app.slice/scope
`;

describe("scopes of systemd", () => {
  let folder: string;
  let pathBefore: string | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-systemd-"));
    for (const [name, script] of [
      ["systemd-run", SYSTEMD_RUN],
      ["systemctl", SYSTEMCTL],
    ] as const) {
      writeFileSync(join(folder, name), script, { mode: 0o755 });
    }
    pathBefore = process.env["PATH"];
    process.env["PATH"] = `${folder}${delimiter}${pathBefore}`;
    process.env["CALLS"] = join(folder, "calls");
  });

  afterEach(() => {
    process.env["PATH"] = pathBefore;
    delete process.env["CALLS"];
    rmSync(folder, { recursive: true });
  });

  function open(isRoot: boolean): SystemdScopes {
    const scopes = SystemdScopes.open({ cgroupRoot: folder, runDir: folder, isRoot });
    if (typeof scopes === "string") throw new Error(scopes);
    rmSync(join(folder, "calls"));
    return scopes;
  }

  const callsOf = (): string[] => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");

  it("carry the limits as properties, with names of this run, for the user or for the system", () => {
    const limit = readLimit("x", "0.3:50");
    const command = ["/bin/sh", "-c", "echo $INSTANCE"];
    for (const isRoot of [false, true]) {
      const scopes = open(isRoot);
      expect(scopes.means).to.equal(isRoot ? "systemd-run" : "systemd-run --user");
      const [file, ...args] = scopes.commandInside("instance-$INSTANCE", limit, command);
      expect(execFileSync(file!, args, { env: { ...process.env, INSTANCE: "2" }, encoding: "utf8" })).to.equal("2\n");
      expect(callsOf()).to.deep.equal([
        [
          ...(isRoot ? [] : ["--user"]),
          `--scope --quiet --collect --unit=rinha-lab-${process.pid}-instance-2.scope`,
          "-p CPUAccounting=yes -p MemoryAccounting=yes -p CPUQuota=30% -p MemoryMax=52428800",
          "-- /bin/sh -c echo $INSTANCE",
        ].join(" "),
      ]);
    }
  });

  it("tell what was used, from the group that systemd has made", () => {
    const scopes = open(false);
    scopes.create("nginx");
    expect(scopes.usage("nginx"), "before it begins").to.equal(undefined);
    const group = join(folder, "user.slice", "app.slice", "scope");
    mkdirSync(group, { recursive: true });
    writeFileSync(join(folder, "cgroup.controllers"), "cpu memory\n");
    writeFileSync(join(group, "cpu.stat"), "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\n");
    expect(scopes.usage("nginx")).to.deep.equal({
      cpu: { totalMs: 5, systemMs: 2 },
      memoryPeakBytes: undefined,
      memoryFailCount: 0,
      periodCount: 0,
      throttledCount: 0,
      throttledMs: 0,
    });
    const asked = `systemctl --user show --property=ControlGroup --value rinha-lab-${process.pid}-nginx.scope`;
    expect(new Set(callsOf())).to.deep.equal(new Set([asked]));
    expect(scopes.usage("instance-1")).to.equal(undefined);
  });

  it("are not there without systemd, or where it refuses, which is said", () => {
    const runDir = join(folder, "none");
    expect(SystemdScopes.open({ cgroupRoot: folder, runDir, isRoot: false })).to.equal("no systemd");
    writeFileSync(join(folder, "systemd-run"), "#!/bin/sh\necho Access denied >&2\nexit 4\n", { mode: 0o755 });
    expect(SystemdScopes.open({ cgroupRoot: folder, runDir: folder, isRoot: false })).to.equal(
      "systemd-run must succeed: status=4 Access denied",
    );
    expect(existsSync(join(folder, "calls"))).to.equal(false);
  });
});
