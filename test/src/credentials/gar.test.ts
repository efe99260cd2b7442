import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { fromArtifactRegistry } from "@drayage/credentials-gar";
import type { Credential } from "@drayage/oci";
import { credentialProviderContract, type CredentialWorld } from "@drayage/testkit";
import { GoogleAuth, JWT, OAuth2Client } from "google-auth-library";
import { http, HttpResponse, type HttpResponseResolver } from "msw";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { internet } from "../network.ts";
import { createOutside } from "./outside.ts";

const registry = "europe-west4-docker.pkg.dev";
const hour = 60 * 60_000;
const network = internet();
const key = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

let home = "";
beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), "drayage-google-"))));
afterAll(() => rm(home, { recursive: true }));

// Nothing of the machine's own Google configuration.
beforeEach(() => {
  for (const name of Object.keys(process.env).filter((each) =>
    /^(GOOGLE|GCLOUD|GCE|CLOUDSDK)_/i.test(each),
  )) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("HOME", home);
  vi.stubEnv("METADATA_SERVER_DETECTION", "none");
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

/** Writes what GOOGLE_APPLICATION_CREDENTIALS then names. */
async function useCredentialsFile(content: object): Promise<string> {
  const file = join(home, `${crypto.randomUUID()}.json`);
  await writeFile(file, JSON.stringify(content));
  vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", file);
  return file;
}

function serviceAccount(email: string): object {
  return { type: "service_account", client_email: email, private_key: key.privateKey, private_key_id: "k" };
}

function passwordOf(credential: Credential | undefined): string | undefined {
  return credential?.type === "basic" ? credential.password.reveal() : undefined;
}

async function issuerOf(request: Request): Promise<string> {
  const assertion = new URLSearchParams(await request.text()).get("assertion") ?? "";
  return Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString();
}

let worlds = 0;

/** Google's token endpoint for one service account, which is how worlds are told apart; the library reads `Date`. */
async function openGoogle(): Promise<CredentialWorld> {
  vi.useFakeTimers({ toFake: ["Date"] });
  const outside = createOutside();
  const email = `ci-${worlds++}@project.iam.gserviceaccount.com`;
  const tokens = Array.from({ length: 20 }, (_, index) => `ya29.canary-${email}-${index}`);
  let served = 0;
  const answer: HttpResponseResolver = async ({ request }) => {
    if (!(await issuerOf(request.clone())).includes(email)) return undefined;
    await outside.enter();
    if (outside.isFailing) {
      const body = { error: "invalid_grant", error_description: `Invalid JWT Signature.\n${key.privateKey}` };
      return HttpResponse.json(body, { status: 400 });
    }
    return HttpResponse.json({ access_token: tokens[served++], expires_in: 3600, token_type: "Bearer" });
  };
  network.use(http.post("https://oauth2.googleapis.com/token", answer));
  const file = await useCredentialsFile(serviceAccount(email));
  const provider = fromArtifactRegistry();
  return {
    provider: (request) => {
      vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", file);
      return provider(request);
    },
    lookups: () => outside.lookups,
    secrets: () => [...tokens, key.privateKey.slice(40, 100)],
    fail: outside.fail,
    stall: outside.stall,
    restore: outside.restore,
    rotate: () => undefined,
    clock: { now: Date.now, advance: (milliseconds) => vi.setSystemTime(Date.now() + milliseconds) },
  };
}

credentialProviderContract({
  name: "fromArtifactRegistry",
  own: [{ registry }, { registry: "gcr.io" }, { registry: "docker.us-central1.rep.pkg.dev" }],
  foreign: [{ registry: "mirror.gcr.io" }, { registry: "docker.io" }, { registry: "storage.googleapis.com" }],
  life: hour,
  open: openGoogle,
});

describe("application default credentials", () => {
  test("workload identity federation: a subject token for a federated one, that for a service account's", async () => {
    const subject = join(home, "subject");
    await writeFile(subject, "canary-subject");
    await useCredentialsFile({
      type: "external_account",
      audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/oidc",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.googleapis.com/v1/token",
      credential_source: { file: subject },
      service_account_impersonation_url:
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/ci@project.iam.gserviceaccount.com:generateAccessToken",
    });
    const seen: unknown[] = [];
    network.use(
      http.post("https://sts.googleapis.com/v1/token", async ({ request }) => {
        seen.push(new URLSearchParams(await request.text()).get("subject_token"));
        return HttpResponse.json({ access_token: "federated", expires_in: 3600, token_type: "Bearer" });
      }),
      http.post(/^https:\/\/iamcredentials\.googleapis\.com\//, ({ request }) => {
        seen.push(request.headers.get("authorization"));
        const expireTime = new Date(Date.now() + hour).toISOString();
        return HttpResponse.json({ accessToken: "ya29.impersonated", expireTime });
      }),
    );
    const credential = await fromArtifactRegistry()({ registry });
    expect(passwordOf(credential)).toBe("ya29.impersonated");
    expect(seen).toEqual(["canary-subject", "Bearer federated"]);
  });

  test("`gcloud auth application-default login`", async () => {
    await useCredentialsFile({
      type: "authorized_user",
      client_id: "c",
      client_secret: "s",
      refresh_token: "r",
    });
    network.use(
      http.post("https://oauth2.googleapis.com/token", async ({ request }) => {
        const form = new URLSearchParams(await request.text());
        return HttpResponse.json({ access_token: `ya29.${form.get("refresh_token")}`, expires_in: 3600 });
      }),
    );
    expect(passwordOf(await fromArtifactRegistry()({ registry }))).toBe("ya29.r");
  });

  test("the metadata server, as the last", async () => {
    vi.stubEnv("METADATA_SERVER_DETECTION", "assume-present");
    const paths: string[] = [];
    network.use(
      http.get(/^http:\/\/(?:metadata\.google\.internal\.?|169\.254\.169\.254)\//, ({ request }) => {
        paths.push(new URL(request.url).pathname);
        return HttpResponse.json(
          { access_token: "ya29.metadata", expires_in: 3599, token_type: "Bearer" },
          { headers: { "metadata-flavor": "Google" } },
        );
      }),
    );
    expect(passwordOf(await fromArtifactRegistry()({ registry }))).toBe("ya29.metadata");
    // The project is not asked for, and no `gcloud` is run to find it.
    expect(paths).toEqual(["/computeMetadata/v1/instance/service-accounts/default/token"]);
  });

  test("scopes are cloud-platform, or what the user says", async () => {
    await useCredentialsFile(serviceAccount("ci@project.iam.gserviceaccount.com"));
    const scopes: string[] = [];
    network.use(
      http.post("https://oauth2.googleapis.com/token", async ({ request }) => {
        scopes.push(/"scope":"([^"]*)"/.exec(await issuerOf(request))?.[1] ?? "");
        return HttpResponse.json({ access_token: "ya29.x", expires_in: 3600 });
      }),
    );
    const readOnly = "https://www.googleapis.com/auth/cloud-platform.read-only";
    await fromArtifactRegistry()({ registry });
    await fromArtifactRegistry({ scopes: [readOnly] })({ registry });
    expect(scopes).toEqual(["https://www.googleapis.com/auth/cloud-platform", readOnly]);
  });

  test.each([
    ["nowhere", undefined],
    ["in a file that is not there", "/nonexistent/key.json"],
  ])("%s: the error says where they may be", async (_where, file) => {
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", file);
    const error: unknown = await fromArtifactRegistry()({ registry }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(inspect(error)).toMatch(
      file === undefined
        ? /gcloud auth application-default login.*GOOGLE_APPLICATION_CREDENTIALS/s
        : /\/nonexistent\/key\.json, which GOOGLE_APPLICATION_CREDENTIALS names, gave no.*correct the file/s,
    );
  });

  test("a file that is no JSON is an error that does not quote it", async () => {
    const file = join(home, "broken.json");
    await writeFile(file, "canary-key-material");
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", file);
    const error: unknown = await fromArtifactRegistry()({ registry }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(inspect(error)).toContain(
      `${file}, which GOOGLE_APPLICATION_CREDENTIALS names, gave no access token`,
    );
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  });
});

describe("a ready auth client", () => {
  test.each([
    ["an OAuth2Client", () => withToken(new OAuth2Client())],
    ["a JWT client", () => withToken(new JWT({ email: "ci@example.com", key: key.privateKey }))],
    ["a GoogleAuth", () => new GoogleAuth({ authClient: withToken(new OAuth2Client()) })],
    ["a function's object", () => ({ getAccessToken: async () => "ya29.ready" })],
  ])("%s", async (_kind, make) => {
    const credential = await fromArtifactRegistry({ auth: make() })({ registry });
    expect(credential).toMatchObject({ type: "basic", username: "oauth2accesstoken" });
    expect(passwordOf(credential)).toBe("ya29.ready");
  });

  test("a client that does not say how long its token lives is asked again every minute", async () => {
    let [time, calls] = [Date.now(), 0];
    const auth = { getAccessToken: async () => `ya29.${calls++}` };
    const provider = fromArtifactRegistry({ auth, now: () => time });
    await provider({ registry });
    time += 50_000;
    await provider({ registry });
    expect(calls).toBe(1);
    time += 10_000;
    expect(passwordOf(await provider({ registry }))).toBe("ya29.1");
  });

  test.each([
    ["no token", null],
    ["an empty token", ""],
    ["a token that would break a header", "canary\r\nX: y"],
  ])("%s is an error, not anonymous access", async (_what, token) => {
    const provider = fromArtifactRegistry({ auth: { getAccessToken: async () => ({ token }) } });
    const error: unknown = await provider({ registry }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  });
});

function withToken<Client extends OAuth2Client>(client: Client): Client {
  client.setCredentials({ access_token: "ya29.ready", expiry_date: Date.now() + hour });
  return client;
}
