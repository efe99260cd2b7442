import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { root } from "../workspace.ts";

/** Every module that a fresh process loads for `statement`. */
function modulesOf(statement: string): readonly string[] {
  const script = `
    import { registerHooks } from "node:module";
    const urls = [];
    registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
    ${statement}
    process.stdout.write(JSON.stringify(urls));
  `;
  const flags = ["--conditions=@drayage/source", "--input-type=module", "--eval", script];
  const options = { cwd: `${root}/test`, encoding: "utf8", env: { PATH: "" } } as const;
  return parseUrls(execFileSync(process.execPath, flags, options));
}

function parseUrls(json: string): readonly string[] {
  const urls: unknown = JSON.parse(json);
  return Array.isArray(urls) ? urls.map(String) : [];
}

const packages = [
  ["@drayage/credentials-ecr", "fromEcr"],
  ["@drayage/credentials-gar", "fromArtifactRegistry"],
  ["@drayage/credentials-github", "fromGitHub"],
  ["@drayage/credentials-acr", "fromAcr"],
] as const;

test.each(packages)(
  "importing %s, and making a provider, loads nothing but ours and Node's",
  (name, from) => {
    const urls = modulesOf(
      `const { ${from} } = await import("${name}"); await ${from}()({ registry: "registry.example.com" });`,
    );
    const ours = urls.filter((url) => url.includes("/packages/"));
    expect(ours.length).toBeGreaterThan(1);
    expect(urls.filter((url) => !url.startsWith("node:") && !ours.includes(url))).toEqual([]);
  },
);

test("the SDK is loaded when a credential is asked for", () => {
  const registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
  const urls = modulesOf(`
    const { fromEcr } = await import("@drayage/credentials-ecr");
    await fromEcr({ credentials: async () => { throw new Error("no keys") } })({ registry: "${registry}" }).catch(() => {});
  `);
  expect(urls.some((url) => url.includes("/client-ecr/"))).toBe(true);
});
