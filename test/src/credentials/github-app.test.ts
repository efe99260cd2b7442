import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { fromGitHub, type GitHubApp } from "@drayage/credentials-github";
import type { Action, Credential } from "@drayage/oci";
import { credentialProviderContract, type CredentialWorld } from "@drayage/testkit";
import { http, HttpResponse } from "msw";
import { describe, expect, test } from "vitest";
import { internet } from "../network.ts";
import { createOutside } from "./outside.ts";

const registry = "ghcr.io";
const hour = 60 * 60_000;
const network = internet();
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const keyMaterial = privateKey.slice(40, 90);

let installations = 1000;

/** GitHub's API for one installation, which is how worlds are told apart. */
function openGitHub(): CredentialWorld {
  const outside = createOutside();
  const installationId = installations++;
  const tokens = Array.from({ length: 20 }, (_, index) => `ghs_canary${installationId}x${index}`);
  let [served, offset] = [0, 0];
  const now = (): number => Date.now() + offset;
  network.use(
    http.post(`https://api.github.com/app/installations/${installationId}/access_tokens`, async () => {
      await outside.enter();
      if (outside.isFailing) {
        const message = `A JSON web token could not be decoded\n${privateKey}`;
        return HttpResponse.json({ message }, { status: 401 });
      }
      return HttpResponse.json(grant(tokens[served++] ?? "", now() + hour), { status: 201 });
    }),
  );
  return {
    provider: fromGitHub({ app: { appId: 1, privateKey, installationId }, now }),
    lookups: () => outside.lookups,
    secrets: () => [...tokens, keyMaterial],
    fail: outside.fail,
    stall: outside.stall,
    restore: outside.restore,
    rotate: () => undefined,
    clock: { now, advance: (milliseconds) => void (offset += milliseconds) },
  };
}

function grant(token: string, expiresAt: number): object {
  return {
    token,
    expires_at: new Date(expiresAt).toISOString(),
    permissions: { packages: "read" },
    repository_selection: "all",
  };
}

credentialProviderContract({
  name: "fromGitHub with app",
  own: [{ registry }],
  foreign: [{ registry: "docker.io" }, { registry: "api.github.com" }],
  life: hour,
  open: async () => openGitHub(),
});

/** What GitHub is asked for when the provider is asked with each of `actions`. */
async function bodiesFor(
  app: Partial<GitHubApp>,
  ...actions: readonly (readonly Action[] | undefined)[]
): Promise<unknown[]> {
  const bodies: unknown[] = [];
  network.use(
    http.post("https://api.github.com/app/installations/7/access_tokens", async ({ request }) => {
      bodies.push(await request.json());
      return HttpResponse.json(grant(`ghs_${bodies.length}`, Date.now() + hour), { status: 201 });
    }),
  );
  const provider = fromGitHub({ app: { appId: 1, privateKey, installationId: 7, ...app } });
  for (const each of actions) await provider({ registry, actions: each });
  return bodies;
}

describe("the token of an installation", () => {
  test("may do what the request does, and no more", async () => {
    expect(await bodiesFor({}, undefined, ["pull"], ["pull", "push"], ["delete"], ["pull"])).toEqual([
      { permissions: { packages: "read" } },
      { permissions: { packages: "write" } },
    ]);
  });

  test("comes with what an App needs, should GHCR refuse it, and not what a workflow does", async () => {
    await bodiesFor({});
    const provider = fromGitHub({ app: { appId: 1, privateKey, installationId: 7 } });
    const rejected = await provider({ registry, actions: ["push"] });
    expect(rejected?.hint).toMatch(/the app needs the permission packages: write/);
    expect(rejected?.hint).not.toMatch(/permissions:/);
  });

  test("is for the repositories that are named", async () => {
    expect(await bodiesFor({ repositoryNames: ["app"] }, ["pull"])).toEqual([
      { permissions: { packages: "read" }, repositories: ["app"] },
    ]);
  });

  test("is asked for with a JWT of the app", async () => {
    let authorization = "";
    network.use(
      http.post("https://api.github.com/app/installations/7/access_tokens", ({ request }) => {
        authorization = request.headers.get("authorization") ?? "";
        return HttpResponse.json(grant("ghs_1", Date.now() + hour), { status: 201 });
      }),
    );
    const credential: Credential | undefined = await fromGitHub({
      app: { appId: 4711, privateKey, installationId: 7 },
      env: {},
    })({ registry });
    expect(credential?.type === "basic" && credential.password.reveal()).toBe("ghs_1");
    const claims = Buffer.from(authorization.split(".")[1] ?? "", "base64url").toString();
    expect(claims).toContain('"iss":4711');
  });

  test.each([
    [
      "a permission that the app lacks",
      422,
      "The permissions requested are not granted to this installation.",
    ],
    ["an installation that is gone", 404, "Not Found"],
  ])("%s is an error that says what to check", async (_what, status, message) => {
    network.use(
      http.post("https://api.github.com/app/installations/7/access_tokens", () =>
        HttpResponse.json({ message }, { status }),
      ),
    );
    const provider = fromGitHub({ app: { appId: 1, privateKey, installationId: 7 } });
    const error: unknown = await provider({ registry, actions: ["push"] }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(inspect(error)).toContain(message);
    expect(inspect(error)).toMatch(/installation 7 of app 1.*packages: write/s);
  });

  test("a clock that is an hour off is an error that mentions the clock", async () => {
    const tooFar = "'Expiration time' claim ('exp') is too far in the future";
    network.use(
      http.post("https://api.github.com/app/installations/7/access_tokens", () =>
        HttpResponse.json({ message: tooFar }, { status: 401 }),
      ),
    );
    const provider = fromGitHub({ app: { appId: 1, privateKey, installationId: 7 } });
    const error: unknown = await provider({ registry }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(inspect(error)).toContain(tooFar);
    expect(inspect(error)).toContain("this machine's clock");
  });

  test("a key that is none is an error that does not show it", async () => {
    const app = { appId: 1, privateKey: "canary-key", installationId: 7 };
    const error: unknown = await fromGitHub({ app })({ registry }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  });
});

describe("an enterprise server", () => {
  const own = "containers.github.example.com";
  const apiUrl = "https://github.example.com/api/v3";
  const app = { appId: 1, privateKey, installationId: 7, apiUrl };
  const serve = (url: string, token: string, delay?: Promise<void>): void =>
    network.use(
      http.post(`${url}/app/installations/7/access_tokens`, async () => {
        await delay;
        return HttpResponse.json(grant(token, Date.now() + hour), { status: 201 });
      }),
    );
  const tokenOf = (credential: Credential | undefined): unknown =>
    credential?.type === "basic" && credential.password.reveal();

  test.each([apiUrl, `${apiUrl}/`])("is asked at %s for a token for its own registry", async (url) => {
    serve(apiUrl, "ghs_enterprise");
    const provider = fromGitHub({ app: { ...app, apiUrl: url }, hosts: [own], env: {} });
    expect(tokenOf(await provider({ registry: own }))).toBe("ghs_enterprise");
    expect(await provider({ registry })).toBeUndefined();
  });

  test("gets no token of another server's installation that has the same number", async () => {
    const late = Promise.withResolvers<void>();
    serve("https://api.github.com", "ghs_github", late.promise);
    serve(apiUrl, "ghs_enterprise", late.promise);
    const asked = Promise.all([
      fromGitHub({ app: { ...app, apiUrl: undefined } })({ registry }),
      fromGitHub({ app, hosts: [own] })({ registry: own }),
    ]);
    late.resolve();
    expect((await asked).map(tokenOf)).toEqual(["ghs_github", "ghs_enterprise"]);
  });

  test("that fails is named in the error", async () => {
    network.use(http.post(`${apiUrl}/app/installations/7/access_tokens`, () => HttpResponse.error()));
    const asked = fromGitHub({ app, hosts: [own] })({ registry: own });
    const message = `${apiUrl} gave no token for installation 7 of app 1`;
    await expect(asked).rejects.toMatchObject({ code: "CREDENTIAL_UNAVAILABLE", message });
  });

  test.each([
    ["no registry of its own is named", { app }],
    ["its registry is said to be ghcr.io", { app, hosts: [registry] }],
    [
      "its API is spoken to in the clear",
      { app: { ...app, apiUrl: "http://github.example.com" }, hosts: [own] },
    ],
    [
      "its URL has a password",
      { app: { ...app, apiUrl: "https://me:canary@github.example.com" }, hosts: [own] },
    ],
  ])("is refused if %s", (_what, options) => {
    expect(() => fromGitHub(options)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    expect(() => fromGitHub(options)).not.toThrow("canary");
  });
});
