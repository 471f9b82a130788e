import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate with its key, and who signed it: PEM texts. */
export type Certificate = { cert: string; key: string; ca: string };

/** A certificate authority of its own, by the openssl command, in a folder that `remove` takes away. */
export class Authority {
  readonly cert: string;
  readonly folder = mkdtempSync(join(tmpdir(), "rinha-ca-"));
  #count = 0;

  constructor() {
    this.#openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", [
      ...["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Test authority"],
    ]);
    this.cert = readFileSync(join(this.folder, "ca.crt"), "utf8");
  }

  /** For a host or an address, valid from now unless it is to have ended yesterday. */
  issue(host: string, { isExpired = false } = {}): Certificate {
    const name = `c${this.#count++}`;
    const alternative = /^[\d.:]+$/.test(host) ? `IP:${host}` : `DNS:${host}`;
    writeFileSync(join(this.folder, `${name}.ext`), `subjectAltName=${alternative}\n`);
    this.#openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", [
      ...["-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${host}`],
    ]);
    const validity = isExpired ? ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"] : ["-days", "2"];
    this.#sign(name, validity);
    const read = (extension: string): string => readFileSync(join(this.folder, `${name}.${extension}`), "utf8");
    return { cert: read("crt"), key: read("key"), ca: this.cert };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #sign(name: string, validity: readonly string[]): void {
    // `openssl ca` knows dates in every version, `openssl x509` does not.
    const dates = validity[0] === "-days" ? validity : ["-startdate", validity[1]!, "-enddate", validity[3]!];
    writeFileSync(join(this.folder, "index.txt"), "");
    writeFileSync(join(this.folder, "serial"), `0${this.#count}\n`.slice(-3));
    const config = [
      ...["[ca]", "default_ca=own", "[own]", "database=index.txt", "serial=serial", "new_certs_dir=."],
      ...["default_md=sha256", "policy=any", "unique_subject=no", "[any]", "commonName=supplied"],
    ];
    writeFileSync(join(this.folder, "ca.cnf"), `${config.join("\n")}\n`);
    this.#openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.crt", "-keyfile", "ca.key", [
      ...["-in", `${name}.csr`, "-out", `${name}.crt`, "-extfile", `${name}.ext`, ...dates],
    ]);
  }

  #openssl(...args: readonly (string | readonly string[])[]): void {
    execFileSync("openssl", args.flat(), { cwd: this.folder, stdio: ["ignore", "ignore", "pipe"] });
  }
}
