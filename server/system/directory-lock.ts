import { randomUUID } from "node:crypto";
import { closeSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { DirectoryInUseError } from "./disk.ts";

/** What a file system answers that has no unix sockets, or no names for them. */
const NO_SOCKETS = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "EAFNOSUPPORT", "EINVAL", "ENOSYS"]);
const LOCK_NAME = /^lock-[0-9a-f-]+\.sock$/;

/**
 * Keeps a directory to one process. The lock is a listening unix socket in it: the kernel closes it with the process,
 * however that ends, so a name left behind is told from a living holder by trying to connect. It holds across
 * containers that share the directory. Sockets are addressed through /proc/self/fd, so the length of the directory's
 * path does not matter.
 *
 *   listen under a name of one's own ──► is any other alive? ── no ───► remove the dead names: the directory is ours
 *                                                          └── yes ──► give the own name up: in use
 *
 * Of two that come at once, the later name is there before its holder looks around, so at least one of them sees the
 * other; both may, and then neither gets it. A name is never used again, so removing a dead one cannot take a living
 * holder's.
 */
export class DirectoryLock {
  readonly #server: Server;
  readonly #descriptor: number;
  readonly #path: string;

  private constructor(server: Server, descriptor: number, path: string) {
    this.#server = server;
    this.#descriptor = descriptor;
    this.#path = path;
  }

  /**
   * Rejects with DirectoryInUseError, and where the file system has no unix sockets, or they do not answer under their
   * names: then others could not tell that the directory is in use. The directory may get another name meanwhile and
   * afterwards.
   */
  static async take(directory: string): Promise<DirectoryLock> {
    const descriptor = openSync(directory, "r");
    const folder = `/proc/self/fd/${descriptor}`;
    const name = `lock-${randomUUID()}.sock`;
    let lock: DirectoryLock;
    try {
      lock = new DirectoryLock(await listen(`${folder}/${name}`), descriptor, `${folder}/${name}`);
    } catch (error) {
      closeSync(descriptor);
      throw explained(error as NodeJS.ErrnoException, directory);
    }
    if (!(await isAlive(`${folder}/${name}`))) {
      await lock.release();
      throw noSockets(directory, "they do not answer");
    }
    const others = readdirSync(folder).filter((other) => LOCK_NAME.test(other) && other !== name);
    const alive = await Promise.all(others.map((other) => isAlive(`${folder}/${other}`)));
    if (alive.includes(true)) {
      await lock.release();
      throw new DirectoryInUseError(directory);
    }
    for (const other of others) rmSync(`${folder}/${other}`, { force: true });
    return lock;
  }

  async release(): Promise<void> {
    rmSync(this.#path, { force: true });
    await new Promise((resolve) => this.#server.close(resolve));
    closeSync(this.#descriptor);
  }
}

function explained(error: NodeJS.ErrnoException, directory: string): Error {
  return error.code !== undefined && NO_SOCKETS.has(error.code) ? noSockets(directory, error.code) : error;
}

function noSockets(directory: string, why: string): Error {
  const rule = "DATA_DIR must be on a file system with unix sockets, which keep it to one process";
  return new Error(`${rule}: directory=${directory} problem=${why}`);
}

/** The name appears only once somebody listens there: before that it would look like a dead one. */
function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(`${path}.new`, () => {
      renameSync(`${path}.new`, path);
      resolve(server.unref());
    });
  });
}

/** Only a refusal is a sign of death: whatever else keeps us from connecting, the holder may be there. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code !== "ECONNREFUSED" && code !== "ENOENT"));
  });
}
