import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseObject, readJson, root, workspacePackages } from "../src/workspace.ts";
import { type Consumer, createConsumer, inProject, run } from "./consumer.ts";

const packages = workspacePackages();
const entries = packages.flatMap(({ name, manifest }) =>
  Object.entries(parseObject(manifest["exports"]))
    .filter(([, target]) => typeof target !== "string")
    .map(([entry]) => name + entry.slice(1)),
);
const commands = packages.flatMap(({ name, manifest }) => {
  const bin = manifest["bin"];
  const names = typeof bin === "string" ? [name] : Object.keys(parseObject(bin));
  return names.map((command) => ({ command, version: String(manifest["version"]) }));
});

let consumer: Consumer;
beforeAll(() => {
  consumer = createConsumer(packages);
});
afterAll(() => consumer?.remove());

test("there is something to import", () => {
  expect(entries).toContain("@drayage/oci");
});

describe.each(packages)("$name", ({ name, manifest }) => {
  test("is installed as it was packed, with what it exports", () => {
    const directory = join(consumer.directory, "node_modules", name);
    const installed = readJson(join(directory, "package.json"));
    expect(installed).toMatchObject({ name, version: manifest["version"] });
    expect(installed["exports"]).toEqual(parseObject(manifest["publishConfig"])["exports"]);
    expect(targetsOf(installed["exports"]).filter((path) => !existsSync(join(directory, path)))).toEqual([]);
  });

  test("says so if its types need those of Node", () => {
    const directory = join(consumer.directory, "node_modules", name);
    const isImported = Object.keys(parseObject(manifest["exports"])).some(
      (entry) => !entry.endsWith(".json"),
    );
    const peer = {
      range: parseObject(manifest["peerDependencies"])["@types/node"],
      ...parseObject(parseObject(manifest["peerDependenciesMeta"])["@types/node"]),
    };
    // Who writes no TypeScript shall not have to install them.
    const expected =
      isImported && namesNode(directory) ? { range: ">=22", optional: true } : { range: undefined };
    expect(peer).toEqual(expected);
  });

  test("has nothing that publint would change", () => {
    expect(tool("publint", "run", tarballOf(name), "--strict")).toContain("All good!");
  });

  test("has types that resolve", () => {
    expect(tool("@arethetypeswrong/cli", tarballOf(name), "--profile", "esm-only")).toContain(name);
  });
});

describe.each(entries)("%s", (entry) => {
  const print = "console.log(Object.keys(entry).length)";

  test("is imported", () => {
    const code = `import * as entry from "${entry}"; ${print}`;
    expect(Number(node("--input-type=module", "--eval", code))).toBeGreaterThan(0);
  });

  test("is required", () => {
    const code = `const entry = require("${entry}"); ${print}`;
    expect(Number(node("--input-type=commonjs", "--eval", code))).toBeGreaterThan(0);
  });
});

test.each([
  ["nodenext", "nodenext"],
  ["preserve", "bundler"],
])("all entries are type-checked with module %s and moduleResolution %s", (module, moduleResolution) => {
  const directory = join(consumer.directory, moduleResolution);
  const options = { module, moduleResolution, target: "es2024", strict: true, noEmit: true, types: ["node"] };
  mkdirSync(directory);
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...options, skipLibCheck: false }, include: ["."] }),
  );
  const imports = entries.map((entry, index) => `export * as entry${index} from "${entry}";\n`);
  writeFileSync(join(directory, "all.ts"), imports.join(""));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  expect(run(process.execPath, [tsc, "-p", directory], consumer.directory)).toBe("");
});

test.each(commands)("npx $command --version", ({ command, version }) => {
  expect(run("npx", ["--no", "--", command, "--version"], consumer.directory).trim()).toBe(version);
});

/** The vendors' packages, of which nobody shall get one that they have no use for. */
const vendor = /^(?:@aws-sdk\/client-.*|google-auth-library|@azure\/.*|@octokit\/.*)$/;

describe("installed alone", () => {
  test.each(["docker", "github", "acr"])("credentials-%s brings nothing but oci", (folder) => {
    const names = ["@drayage/oci", `@drayage/credentials-${folder}`];
    const all = inProject(names.map(tarballOf), ({ installed }) => installed);
    expect(all.toSorted()).toEqual(names.toSorted());
  });

  test.each([
    ["ecr", "@aws-sdk/client-ecr"],
    ["gar", "google-auth-library"],
  ])("credentials-%s brings %s, and no other vendor's package", (folder, sdk) => {
    const names = ["@drayage/oci", `@drayage/credentials-${folder}`];
    const all = inProject(names.map(tarballOf), ({ installed }) => installed);
    expect(all.filter((name) => vendor.test(name))).toEqual([sdk]);
    expect(all.filter((name) => name.startsWith("@drayage/")).toSorted()).toEqual(names.toSorted());
  });

  test("the command brings no vendor's package, and names the one that a registry takes", () => {
    const folders = [
      "oci",
      "client",
      "cleanup",
      "copy",
      "credentials-docker",
      "credentials-github",
      "layout",
      "registry",
      "registry-auth",
      "select",
    ];
    const names = ["drayage", ...folders.map((folder) => `@drayage/${folder}`)];
    inProject(names.map(tarballOf), ({ directory, installed }) => {
      expect(installed.filter((name) => vendor.test(name))).toEqual([]);
      expect(installed.filter((name) => name.includes("drayage")).toSorted()).toEqual(names.toSorted());
      const check = (registry: string) => () =>
        run("npx", ["--no", "--", "drayage", "login", "--check", registry], directory);
      expect(check("123456789012.dkr.ecr.eu-west-1.amazonaws.com")).toThrow(
        "npm install --global drayage @drayage/credentials-ecr",
      );
      expect(check("europe-docker.pkg.dev")).toThrow("npm install --global drayage @drayage/credentials-gar");
      expect(check("contoso.azurecr.io")).toThrow("drayage @drayage/credentials-acr @azure/identity");
    });
  });
});

function tarballOf(name: string): string {
  return consumer.tarballs.get(name) ?? "";
}

/** What one of the tools in `.ci` printed; it throws unless the tool is content. */
function tool(name: string, ...args: readonly string[]): string {
  const directory = join(root, ".ci/node_modules", name);
  const [bin] = Object.values(parseObject(readJson(join(directory, "package.json"))["bin"]));
  return run(process.execPath, [join(directory, String(bin)), ...args], consumer.directory);
}

function node(...args: readonly string[]): string {
  return run(process.execPath, args, consumer.directory);
}

/** Whether declarations below `directory` name modules or types of Node. */
function namesNode(directory: string): boolean {
  const files = readdirSync(join(directory, "dist"), { recursive: true, encoding: "utf8" });
  const texts = files
    .filter((file) => file.endsWith(".d.ts"))
    .map((file) => readFileSync(join(directory, "dist", file), "utf8"));
  return texts.some((text) =>
    /from "node:|\bNodeJS\.|: Buffer\b/.test(text.replaceAll(/\/\*[^]*?\*\//g, "")),
  );
}

/** Every path that an `exports` field leads to, under whatever conditions. */
function targetsOf(entry: unknown): readonly string[] {
  if (typeof entry === "string") return [entry];
  return Object.values(parseObject(entry)).flatMap(targetsOf);
}
