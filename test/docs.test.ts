import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { REPOSITORY_ROOT } from "../perf/lab/repository.ts";
import { type RepositoryFile, repositoryFiles } from "./support/repository-files.ts";

const COLUMNS_MAX = 120;
const README_LINES_MAX = 150;
/** Counted as editors show them, not in UTF-16. */
const columnsOf = (line: string): number => [...line].length;

const DOCUMENTS = repositoryFiles(/\.md$/);
const SOURCES = repositoryFiles(/\.(?:ts|mjs|cjs|js)$/);
const CONFIGURATIONS = repositoryFiles(/\.(?:ya?ml|conf)$|(?:^|\/)Dockerfile$/);
const ROOMS = readdirSync(REPOSITORY_ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
  .map(({ name }) => name);

type Place = { readonly file: RepositoryFile; readonly number: number; readonly line: string };

/** The lines of the files, numbered from 1. */
function linesOf(files: readonly RepositoryFile[]): Place[] {
  return files.flatMap((file) => file.lines.map((line, i) => ({ file, number: i + 1, line })));
}

/** The lines of the documents that are prose: no tables, nothing that is shown as it stands. */
function proseOf(file: RepositoryFile): Place[] {
  let isFenced = false;
  return linesOf([file]).filter(({ line }) => {
    if (line.trimStart().startsWith("```")) {
      isFenced = !isFenced;
      return false;
    }
    return !isFenced && !line.startsWith("|");
  });
}

const at = ({ file, number }: Place, what: string): string => `${file.path}:${number}: ${what}`;
const exists = (path: string): boolean => existsSync(join(REPOSITORY_ROOT, path));

/** As GitHub makes them of headings. */
function anchorsOf(path: string): string[] {
  return readFileSync(join(REPOSITORY_ROOT, path), "utf8")
    .split("\n")
    .filter((line) => /^#+ /.test(line))
    .map((line) => line.replace(/^#+ /, "").toLowerCase())
    .map((heading) => heading.replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"));
}

/** Whether a link of a document leads somewhere in the repository. Links to other sites are not followed. */
function isLinkSound(from: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return true;
  const [target = "", anchor] = link.split("#");
  const path = target === "" ? from : normalize(join(dirname(from), target));
  if (!exists(path)) return false;
  return anchor === undefined || anchorsOf(path).includes(anchor);
}

/** A path as it is named in text: of the root, or of the document's own folder. What is built stands for its source. */
function isPathSound(from: string, path: string): boolean {
  const source = path.replace(/^build\/(?:bundle\/)?(.*)\.js$/, "$1.ts").replace(/^build\/(?:bundle\/$)?/, "");
  return exists(source) || exists(normalize(join(dirname(from), source)));
}

/** What stands in backticks and begins with a folder of the repository, or of the document. */
function pathsNamed({ file, line }: Place): string[] {
  const folder = dirname(file.path);
  const own = folder === "." ? [] : readdirSync(join(REPOSITORY_ROOT, folder));
  const words = [...line.matchAll(/`([^`\s]+)`/g)].map((match) => match[1]!);
  return words.filter((word) => {
    const [first = ""] = word.split("/");
    const isPath = word.includes("/") && /^[\w./-]+$/.test(word);
    return isPath && (ROOMS.includes(first) || own.includes(first));
  });
}

describe("documents", () => {
  it("have links that lead somewhere", () => {
    const links = linesOf(DOCUMENTS).flatMap((place) =>
      [...place.line.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({ place, link: match[1]! })),
    );
    expect(links.length).to.be.above(10);
    const broken = links.filter(({ place, link }) => !isLinkSound(place.file.path, link));
    expect(broken.map(({ place, link }) => at(place, link))).to.deep.equal([]);
  });

  it("name files and folders that are there", () => {
    const named = linesOf(DOCUMENTS).flatMap((place) => pathsNamed(place).map((path) => ({ place, path })));
    expect(named.length).to.be.above(30);
    const gone = named.filter(({ place, path }) => !isPathSound(place.file.path, path));
    expect(gone.map(({ place, path }) => at(place, path))).to.deep.equal([]);
  });

  it("name programs that are built, and scripts that package.json has", () => {
    const { scripts } = JSON.parse(readFileSync(join(REPOSITORY_ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const commands = linesOf([...DOCUMENTS, ...CONFIGURATIONS]).flatMap((place) => {
      const runs = [...place.line.matchAll(/npm run ([\w:]+)/g)].map((match) => match[1]!);
      const programs = [...place.line.matchAll(/\bbuild\/[\w/-]+\.js\b/g)].map(([program]) => program);
      const bad = [
        ...runs.filter((name) => !(name in scripts)),
        ...programs.filter((program) => !isPathSound(place.file.path, program)),
      ];
      return bad.map((name) => at(place, name));
    });
    expect(commands).to.deep.equal([]);
  });

  it("have no line over 120 columns, but for tables and what is shown as it stands", () => {
    const wide = DOCUMENTS.flatMap(proseOf).filter(({ line }) => columnsOf(line) > COLUMNS_MAX);
    expect(wide.map((place) => at(place, `columns=${columnsOf(place.line)}`))).to.deep.equal([]);
  });
});

describe("README.md", () => {
  it("is short enough to be read", () => {
    const [readme] = repositoryFiles(/^README\.md$/);
    expect(readme!.lines.length).to.be.at.most(README_LINES_MAX);
  });
});

describe("docs/commands.md", () => {
  it("names every script of package.json", () => {
    const [page] = repositoryFiles(/^docs\/commands\.md$/);
    const named = new Set([...page!.lines.join("\n").matchAll(/`npm (?:run )?([\w:]+)/g)].map((match) => match[1]!));
    const { scripts } = JSON.parse(readFileSync(join(REPOSITORY_ROOT, "package.json"), "utf8")) as { scripts: object };
    expect(Object.keys(scripts).filter((name) => !named.has(name))).to.deep.equal([]);
  });
});

describe("docs/dependencies.md", () => {
  it("names every package of package.json, and no other, once", () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(REPOSITORY_ROOT, "package.json"), "utf8"),
    ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
    const rows = linesOf(repositoryFiles(/^docs\/dependencies\.md$/)).filter(({ line }) => line.startsWith("| `"));
    const named = rows.flatMap(({ line }) => [...line.split(" | ")[0]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    const installed = [...Object.keys(dependencies), ...Object.keys(devDependencies)];
    expect(named.sort()).to.deep.equal(installed.sort());
  });
});

describe("docs/operations.md", () => {
  it("has a section for every alert, in the order of the rules", () => {
    const { groups } = parse(readFileSync(join(REPOSITORY_ROOT, "docker/prometheus/alerts.yml"), "utf8")) as {
      groups: { rules: { alert: string }[] }[];
    };
    const [page] = repositoryFiles(/^docs\/operations\.md$/);
    const chapter = page!.lines.slice(page!.lines.indexOf("## Alerts"));
    const sections = chapter.filter((line) => line.startsWith("### ")).map((line) => line.slice("### ".length));
    expect(sections).to.deep.equal(groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)));
  });
});

describe("sources", () => {
  it("have no line over 120 columns; configurations no such comment", () => {
    const comments = linesOf(CONFIGURATIONS).filter(({ line }) => line.trimStart().startsWith("#"));
    const sources = SOURCES;
    const wide = [...linesOf(sources), ...comments].filter(({ line }) => columnsOf(line) > COLUMNS_MAX);
    expect(wide.map((place) => at(place, `columns=${columnsOf(place.line)}`))).to.deep.equal([]);
  });

  it("name files in their comments that are there", () => {
    const named = linesOf([...SOURCES, ...CONFIGURATIONS])
      .filter(({ line }) => /^\s*(?:\/\/|\/?\*|#)/.test(line))
      .flatMap((place) => {
        const paths = place.line.matchAll(
          /(?<![\w./-])(?:\.ci|core|docker|docs|perf|scripts|server|test)\/[\w./-]*\w/g,
        );
        return [...paths].map(([path]) => ({ place, path }));
      })
      .filter(({ path }) => /\.\w+$/.test(path));
    expect(named.length).to.be.above(20);
    const gone = named.filter(({ path }) => !exists(path));
    expect(gone.map(({ place, path }) => at(place, path))).to.deep.equal([]);
  });
});

describe("rooms of core/ and server/", () => {
  /** By room: what its files import from other rooms of the same top-level folder. */
  function usesInFact(top: string): Map<string, string[]> {
    const uses = new Map<string, Set<string>>();
    for (const { path, lines } of repositoryFiles(new RegExp(`^${top}/.*\\.ts$`))) {
      const [, room = "", ...rest] = path.split("/");
      if (rest.length === 0) continue;
      const used = uses.get(room) ?? new Set();
      uses.set(room, used);
      for (const [, from = ""] of lines.join("\n").matchAll(/ from "(\.[^"]+)"/g)) {
        const [target, other = "", ...below] = normalize(join(dirname(path), from)).split("/");
        if (target === top && below.length > 0 && other !== room) used.add(other);
      }
    }
    return new Map([...uses].map(([room, used]) => [room, [...used].sort()]));
  }

  /** The same as docs/architecture.md has it. */
  function usesAsTold(top: string): Map<string, string[]> {
    const rows = linesOf(repositoryFiles(/^docs\/architecture\.md$/)).map(({ line }) =>
      new RegExp(`^\\| \`${top}/([\\w-]+)/\` \\|.*\\| ([^|]+) \\|$`).exec(line),
    );
    const told = rows.filter((row) => row !== null).map((row) => [row[1]!, row[2]!] as const);
    return new Map(told.map(([room, uses]) => [room, uses === "nothing" ? [] : uses.split(", ").sort()]));
  }

  for (const top of ["core", "server"]) {
    it(`use of ${top}/ what the architecture says`, () => {
      const inFact = usesInFact(top);
      expect(inFact.size).to.be.above(5);
      expect(Object.fromEntries(usesAsTold(top))).to.deep.equal(Object.fromEntries(inFact));
    });
  }
});
