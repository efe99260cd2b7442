import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@drayage/client";
import { fromAcr } from "@drayage/credentials-acr";
import { fromDockerConfig } from "@drayage/credentials-docker";
import { fromEcr } from "@drayage/credentials-ecr";
import { fromArtifactRegistry } from "@drayage/credentials-gar";
import { fromGitHub } from "@drayage/credentials-github";
import { isOciError, readAll, type CredentialProvider, type HttpSend } from "@drayage/oci";
import {
  createImage,
  createScriptedRegistry,
  type ScriptedAuth,
  type ScriptedRegistry,
} from "@drayage/testkit";
import { http, HttpResponse, passthrough } from "msw";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { internet } from "../network.ts";

const network = internet();
beforeEach(() => void vi.stubEnv("AWS_MAX_ATTEMPTS", "1"));
afterEach(() => vi.unstubAllEnvs());

const repository = "team/app";

/**
 * Pulls an image from a scripted registry under the vendor's host name, and tells what went over the wire.
 *
 * The name is resolved by the client's `lookup`; only the port is loopback's own, and kept from the provider.
 */
async function pull(
  host: string,
  auth: ScriptedAuth,
  provider: (registry: ScriptedRegistry) => CredentialProvider,
): Promise<string[]> {
  await using registry = await createScriptedRegistry({ origins: [host], auth });
  network.use(http.all(`http://${registry.host()}/*`, () => passthrough()));
  const image = createImage({ layers: 1 });
  await registry.content.add(repository, image, { tags: ["v1"] });
  const ask = provider(registry);
  await using client = createClient({
    credentials: (request) => ask({ ...request, registry: request.registry.split(":")[0] ?? "" }),
    hosts: { [registry.host()]: { plainHttp: true } },
    network: { lookup: registry.lookup },
    retry: { attempts: 1 },
    concurrency: 1, // what a provider sends must not wait for the request that waits for it
  });
  const source = client.repository(`${registry.host()}/${repository}:v1`);
  const { descriptor } = await source.getManifest("v1");
  expect(descriptor.digest).toBe(image.document.descriptor.digest);
  for (const { descriptor: blob } of image.layers) {
    const { body } = await source.getBlob(blob.digest);
    expect((await readAll(body, { limit: 1 << 20 })).byteLength).toBe(blob.size);
  }
  return registry.ledger.map(({ method, url, status }) => `${method} ${url.split("?")[0]} ${status}`);
}

/** For use inside `toEqual`, where vitest's own is of type any. */
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

const pulled = [
  "GET /v2/team/app/manifests/v1 200",
  matching(/^GET \/v2\/team\/app\/blobs\/sha256:[0-9a-f]{64} 200$/),
];
const challenged = "GET /v2/team/app/manifests/v1 401";

describe("provider, client, registry", () => {
  test("docker: a token for what docker login has left", async () => {
    const directory = await mkdtemp(join(tmpdir(), "drayage-docker-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, "config.json");
    const auth = Buffer.from("me:docker-password").toString("base64");
    await writeFile(file, JSON.stringify({ auths: { "https://index.docker.io/v1/": { auth } } }));
    const provider = fromDockerConfig({ files: [file] });
    const steps = await pull(
      "registry-1.docker.io",
      { bearer: { users: { me: "docker-password" } } },
      () =>
        // A port makes the name that is dialled a name of its own; Docker Hub's credentials are kept under another.
        (request) =>
          provider({ ...request, registry: "docker.io" }),
    );
    expect(steps).toEqual([challenged, "GET /token 200", ...pulled]);
  });

  test("ECR: a Basic challenge, and the password that AWS gave", async () => {
    network.use(
      http.post("https://api.ecr.eu-west-1.amazonaws.com/", () =>
        HttpResponse.json({
          authorizationData: [{ authorizationToken: Buffer.from("AWS:aws-password").toString("base64") }],
        }),
      ),
    );
    const credentials = { accessKeyId: "AKIATEST", secretAccessKey: "key" };
    const host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    const steps = await pull(host, { basic: { AWS: "aws-password" } }, () => fromEcr({ credentials }));
    expect(steps).toEqual([challenged, ...pulled]);
  });

  test("Artifact Registry: a token for the access token of Google", async () => {
    const auth = { getAccessToken: async () => "ya29.token" };
    const steps = await pull(
      "europe-docker.pkg.dev",
      { bearer: { users: { oauth2accesstoken: "ya29.token" } } },
      () => fromArtifactRegistry({ auth }),
    );
    expect(steps).toEqual([challenged, "GET /token 200", ...pulled]);
  });

  test("GHCR: a token for a GITHUB_TOKEN", async () => {
    const steps = await pull("ghcr.io", { bearer: { users: { octocat: "ghs_token" } } }, () =>
      fromGitHub({ env: { GITHUB_TOKEN: "ghs_token", GITHUB_ACTOR: "octocat" } }),
    );
    expect(steps).toEqual([challenged, "GET /token 200", ...pulled]);
  });

  test("GHCR: a token for an App's installation, asked for with what the pull takes", async () => {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const permissions: unknown[] = [];
    network.use(
      http.post("https://api.github.com/app/installations/7/access_tokens", async ({ request }) => {
        permissions.push(await request.json());
        const expires_at = new Date(Date.now() + 3_600_000).toISOString();
        return HttpResponse.json({ token: "ghs_installation", expires_at, permissions: {} }, { status: 201 });
      }),
    );
    const users = { "x-access-token": "ghs_installation" };
    const steps = await pull("ghcr.io", { bearer: { users } }, () =>
      fromGitHub({ app: { appId: 1, privateKey, installationId: 7 } }),
    );
    expect(steps).toEqual([challenged, "GET /token 200", ...pulled]);
    expect(permissions).toEqual([{ permissions: { packages: "read" } }]);
  });

  test("a provider is told what will be done, which decides what an App asks for", async () => {
    await using registry = await createScriptedRegistry({ origins: ["ghcr.io"], auth: { basic: {} } });
    network.use(http.all(`http://${registry.host()}/*`, () => passthrough()));
    const actions = new Set<string>();
    await using client = createClient({
      credentials: async (request) => void actions.add(request.actions?.join() ?? ""),
      hosts: { [registry.host()]: { plainHttp: true } },
      network: { lookup: registry.lookup },
    });
    for (const access of [["pull"], ["pull", "push"], ["delete"]] as const) {
      const target = client.registry(registry.host()).repository(repository, { access });
      await expect(target.getManifest("v1")).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    }
    expect([...actions]).toEqual(["pull", "pull,push", "pull,delete"]);
  });

  test("ACR: an exchange at the registry by the client's own way, and a token for what came of it", async () => {
    const tokenSource = { getToken: async () => ({ token: "entra" }) };
    const steps = await pull(
      "contoso.azurecr.io",
      { bearer: { refreshTokens: ["acr-refresh"] } },
      (registry) => {
        registry.script([
          { method: "POST", path: "/oauth2/exchange", answer: jsonAnswer({ refresh_token: "acr-refresh" }) },
        ]);
        const provider = fromAcr({ tokenSource });
        // The exchange is https at the vendor's port, which loopback does not have.
        const atLoopback =
          (send: HttpSend | undefined): HttpSend =>
          async (request, options) => {
            if (send === undefined) throw new Error("the client offers no way to send");
            expect(request.url).toBe("https://contoso.azurecr.io/oauth2/exchange");
            return send({ ...request, url: `http://${registry.host()}/oauth2/exchange` }, options);
          };
        return (request) => provider({ ...request, send: atLoopback(request.send) });
      },
    );
    expect(steps).toEqual([challenged, "POST /oauth2/exchange 200", "POST /token 200", ...pulled]);
  });
});

describe("what the user reads when the registry refuses", () => {
  test.each([
    ["a token server that does not know it", { bearer: { users: {} } }, "UNAUTHORIZED"],
    ["a registry that does not know it", { basic: {} }, "UNAUTHORIZED"],
  ] as const)("%s: the provider's hint, and no secret", async (_who, auth, code) => {
    const error: unknown = await pull("ghcr.io", auth, () =>
      fromGitHub({ token: "github_pat_canary", env: {} }),
    ).catch((thrown: unknown) => thrown);
    expect(isOciError(error, code) && error.hint).toMatch(/fine-grained/);
    expect(String(error)).not.toContain("canary");
  });
});

function jsonAnswer(value: object): { status: number; headers: Record<string, string>; body: Uint8Array } {
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify(value)),
  };
}
