import type { TemplatedApp } from "uWebSockets.js";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Listener } from "../../../server/http/listener.ts";
import type { LinkNeighbours } from "../../../server/link/link-neighbours.ts";
import { LINK_BULLETINS, LINK_ROOT } from "../../../server/link/peer-answers.ts";
import type { Address } from "../../../server/system/address.ts";

/** The bulletins of `neighbours` on a link address; `register` adds what else is asked there. */
export function serveBulletins(
  address: Address,
  neighbours: LinkNeighbours,
  register: (app: TemplatedApp) => void = () => {},
): Promise<Listener> {
  return Listener.open(address, (app) => {
    app.get(LINK_BULLETINS, (res) => neighbours.board.serve(res));
    register(app);
    app.any(`${LINK_ROOT}/*`, (res) => void res.writeStatus("404").end());
  });
}

const ours = (path: string): string => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
const PROGRAM = `
  import { randomUUID } from "node:crypto";
  import pino from ${JSON.stringify(import.meta.resolve("pino"))};
  import { LinkNeighbours } from ${ours("server/link/link-neighbours.js")};
  import { FixedRoster } from ${ours("server/link/roster.js")};
  import { NameLookup } from ${ours("server/system/name-lookup.js")};
  import { RealTime } from ${ours("server/system/time.js")};
  import { serveBulletins } from ${ours("test/server/link/talking-instance.js")};
  const [path, number] = process.argv.slice(1);
  const instance = Number(number);
  const options = { roster: new FixedRoster(instance, []), names: new NameLookup(), time: new RealTime() };
  const neighbours = new LinkNeighbours(options, pino({ level: "silent" }));
  const life = randomUUID();
  neighbours.publish(() => ({ instance, life, upMs: performance.now(), isLeaving: false, carries: [] }));
  await serveBulletins({ kind: "unix", path }, neighbours);
  console.log("serves");`;

/** A process that says its bulletin at a unix socket, and nothing else. */
export class TalkingInstance {
  readonly process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.process = process;
  }

  static async start(path: string, instance: number): Promise<TalkingInstance> {
    const args = ["--input-type=module", "-e", PROGRAM, "--", path, String(instance)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    await once(createInterface({ input: child.stdout }), "line");
    return new TalkingInstance(child);
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }
}
