import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { createImage, createScriptedRegistry, type ScriptedRegistry } from "@drayage/testkit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { root } from "./workspace.ts";

// Runs the examples of the READMEs whose code asks registries, against a scripted registry in place of the one that they name.

const standIn = join(root, "test/src/readme-client.ts");
const modules: Readonly<Record<string, string>> = {
  "@drayage/client": standIn,
  "@drayage/compat/docker-registry-client": standIn,
  "@drayage/oci": join(root, "packages/oci/src/index.ts"),
};
const hosts = ["ghcr.io", "registry.example.com"];
const password = "secret";

let directory: string;
let server: ScriptedRegistry;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "drayage-readme-"));
  server = await createScriptedRegistry({ auth: { bearer: { users: { me: password } } } });
  await server.content.add("me/app", createImage(), { tags: ["latest"] });
  vi.stubGlobal("readmeServer", server);
  vi.stubEnv("GITHUB_TOKEN", password);
  vi.spyOn(console, "log").mockReturnValue(undefined);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});

afterEach(async () => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await server.close();
  await rm(directory, { recursive: true });
});

describe.each(["client", "compat"])("packages/%s/README.md", async (folder) => {
  const all = examplesIn(await readFile(join(root, "packages", folder, "README.md"), "utf8"));
  const blocks = all.filter((block) => !block.includes("new SmartRegistry")); // a server of its own

  test("has examples", () => {
    expect(blocks.length).toBeGreaterThan(0);
  });

  test.each(blocks)("example %#", async (block) => {
    const program = join(directory, "example.ts");
    const isWhole = /createClient\(|new RegistryClientV2\(/.test(block);
    await writeFile(program, programOf(isWhole ? [block] : [withoutReading(blocks[0]), block]));
    await import(/* @vite-ignore */ pathToFileURL(program).href);
    const asks = /await (?!client\.close)/.test(block);
    expect(server.ledger.length > 0).toBe(asks);
    const refused = server.ledger.filter(
      ({ method, status }) => method !== "HEAD" && status >= 400 && status !== 401,
    );
    const expected = block.includes("nosuchtag") ? ["/v2/me/app/manifests/nosuchtag"] : [];
    expect(refused.map(({ url }) => url)).toEqual(expected);
    expect(printed()).toEqual(expect.arrayContaining([...promisedBy(block)]));
  });
});

/** What `console.log` was given. */
function printed(): readonly string[] {
  return vi.mocked(console.log).mock.calls.map(([first]) => inspect(first, { compact: true }));
}

/** What the comments behind `console.log` say that it prints, up to a comma. */
function promisedBy(block: string): readonly string[] {
  return [...block.matchAll(/console\.log\(.*\); \/\/ ([^,\n]+)/g)].map(([, text = ""]) =>
    text.startsWith("[") ? text : `'${text}'`,
  );
}

function examplesIn(readme: string): readonly string[] {
  return [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
}

/** What the further examples go on from: the client and the repository of the first one. */
function withoutReading(first = ""): string {
  return first.slice(0, first.indexOf("const { descriptor"));
}

function programOf(parts: readonly string[]): string {
  const lines = parts.flatMap((part) => part.split("\n"));
  const imports = lines.filter((line) => line.startsWith("import "));
  const rest = lines.filter((line) => !line.startsWith("import "));
  let program = [...new Set(imports), ...rest].join("\n");
  for (const [name, path] of Object.entries(modules))
    program = program.replaceAll(`"${name}"`, JSON.stringify(path));
  for (const host of hosts) {
    program = program.replaceAll(`https://${host}`, server.url()).replaceAll(host, server.host());
  }
  return program;
}
