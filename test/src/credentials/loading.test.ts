import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { root } from "../workspace.ts";

/** A machine without any identity, and nothing to ask for one over the network. */
const alone = {
  PATH: "",
  HOME: "/nonexistent",
  AWS_EC2_METADATA_DISABLED: "true",
  METADATA_SERVER_DETECTION: "none",
};

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
  const options = { cwd: `${root}/test`, encoding: "utf8", env: alone } as const;
  return parseUrls(execFileSync(process.execPath, flags, options));
}

function parseUrls(json: string): readonly string[] {
  const urls: unknown = JSON.parse(json);
  return Array.isArray(urls) ? urls.map(String) : [];
}

const packages = [
  ["@drayage/credentials-docker", "fromDockerConfig"],
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

describe("the command", () => {
  const credentials = JSON.stringify(pathToFileURL(`${root}/packages/cli/src/credentials.ts`));
  /** What it loads to find a credential for `registry`. */
  const loadedFor = (registry: string): readonly string[] =>
    modulesOf(`
      const { createDefaultCredentials } = await import(${credentials});
      const { provider } = createDefaultCredentials({ note: () => {} });
      await provider({ registry: "${registry}", actions: ["pull"] }).catch(() => {});
    `);
  const clouds = /\/packages\/credentials-(?:ecr|gar|acr|github)\/|@aws-sdk|google-auth|@azure|@octokit/;

  test.each([
    "docker.io",
    "registry.example.com",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
    "evil-azurecr.io",
  ])("loads no cloud's package for %s (C27)", (registry) => {
    expect(loadedFor(registry).filter((url) => clouds.test(url))).toEqual([]);
  });

  test.each([
    ["ghcr.io", "credentials-github"],
    ["gcr.io", "credentials-gar"],
    ["europe-docker.pkg.dev", "credentials-gar"],
    ["public.ecr.aws", "credentials-ecr"],
    ["123456789012.dkr-ecr.eu-west-1.on.aws", "credentials-ecr"],
    ["docker.europe-west4.rep.pkg.dev", "credentials-gar"],
    ["123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "credentials-ecr"],
    ["contoso.azurecr.io", "credentials-acr"],
    ["contoso.azurecr.de", "credentials-acr"],
    ["contoso.chinaeast2.geo.azurecr.cn", "credentials-acr"],
  ])("loads for %s %s, and no other cloud's", (registry, folder) => {
    const loaded = loadedFor(registry).flatMap(
      (url) => /\/packages\/(credentials-\w+)\//.exec(url)?.[1] ?? [],
    );
    expect([...new Set(loaded)]).toEqual(["credentials-docker", folder]);
  });

  const storage = JSON.stringify(pathToFileURL(`${root}/packages/cli/src/storage.ts`));

  test("loads what keeps content in S3 only for a bucket", () => {
    const loadedOf = (text: string): readonly string[] =>
      modulesOf(`
        const { openStorage, parseStorage } = await import(${storage});
        await openStorage(parseStorage("${text}"), { isReadOnly: true }).catch(() => {});
      `).filter((url) => /registry-s3|@aws-sdk/.test(url));
    expect(loadedOf("memory:")).toEqual([]);
    expect(loadedOf("s3://images")).not.toEqual([]);
  });

  test("names the package that is missing for a bucket", () => {
    const urls = modulesOf(`
      registerHooks({
        resolve(specifier, context, next) {
          if (specifier !== "@drayage/registry-s3") return next(specifier, context);
          throw Object.assign(new Error("not installed"), { code: "ERR_MODULE_NOT_FOUND" });
        },
      });
      const { openStorage, parseStorage } = await import(${storage});
      const error = await openStorage(parseStorage("s3://images"), { isReadOnly: true }).catch((error) => error);
      urls.splice(0, Infinity, error.code, error.message, error.hint);
    `);
    expect(urls).toEqual([
      "OPTION_INVALID",
      "@drayage/registry-s3, which keeps content in S3, is not installed",
      "npm install --global drayage @drayage/registry-s3",
    ]);
  });
});
