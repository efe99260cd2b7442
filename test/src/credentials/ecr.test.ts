import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { fromEcr, type EcrOptions } from "@drayage/credentials-ecr";
import type { Credential } from "@drayage/oci";
import { credentialProviderContract, type CredentialWorld } from "@drayage/testkit";
import { http, HttpResponse, type HttpResponseResolver } from "msw";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { internet } from "../network.ts";
import { createOutside } from "./outside.ts";

const registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const halfDay = 12 * 60 * 60_000;
const ecrApi = /^https:\/\/[^/]*ecr/;
const network = internet();

let home = "";
beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), "drayage-aws-"))));
afterAll(() => rm(home, { recursive: true }));

// Nothing of the machine's own AWS configuration, and no waiting between attempts.
beforeEach(() => {
  for (const name of Object.keys(process.env).filter((key) => key.startsWith("AWS_")))
    vi.stubEnv(name, undefined);
  vi.stubEnv("HOME", home);
  vi.stubEnv("AWS_MAX_ATTEMPTS", "1");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
});
afterEach(() => vi.unstubAllEnvs());

const identity = { accessKeyId: "AKIATEST", secretAccessKey: "canary-key", sessionToken: "canary-session" };

function answerOf(password: string, expiresAt: number): object {
  const authorizationToken = Buffer.from(`AWS:${password}`).toString("base64");
  return { authorizationToken, expiresAt: expiresAt / 1000 };
}

function failure(type: string, message: string): HttpResponse<object> {
  return HttpResponse.json({ __type: type, message }, { status: 400 });
}

/** The user's identity as it occurs in AWS's answer to a bad signature; the message has several lines. */
const badSignature = `The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.

The Canonical String for this request should have been
'POST
/

host:api.ecr.eu-west-1.amazonaws.com
x-amz-security-token:canary-session'`;

let worlds = 0;

/** The ECR API for one access key, which is how worlds are told apart. */
function openAws(): CredentialWorld {
  const outside = createOutside();
  const accessKeyId = `AKIAWORLD${worlds++}X`;
  const passwords = Array.from({ length: 20 }, (_, index) => `canary-password-${index}`);
  let [served, offset] = [0, 0];
  const now = (): number => Date.now() + offset;
  const answer: HttpResponseResolver = async ({ request }) => {
    if (request.headers.get("authorization")?.includes(accessKeyId) !== true) return undefined;
    await outside.enter();
    if (outside.isFailing) return failure("InvalidSignatureException", badSignature);
    const data = answerOf(passwords[served++] ?? "", now() + halfDay);
    const isPublic = request.url.includes("ecr-public");
    return HttpResponse.json({ authorizationData: isPublic ? data : [data] });
  };
  network.use(http.post(ecrApi, answer));
  return {
    provider: fromEcr({ credentials: { ...identity, accessKeyId }, now }),
    lookups: () => outside.lookups,
    secrets: () => [...passwords, identity.secretAccessKey, identity.sessionToken],
    fail: outside.fail,
    stall: outside.stall,
    restore: outside.restore,
    rotate: () => undefined,
    clock: { now, advance: (milliseconds) => void (offset += milliseconds) },
  };
}

credentialProviderContract({
  name: "fromEcr",
  own: [
    { registry },
    { registry: "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com" },
    { registry: "123456789012.dkr-ecr.eu-west-1.on.aws" },
    { registry: "public.ecr.aws" },
    { registry: "ecr-public.aws.com" },
  ],
  foreign: [
    { registry: "docker.io" },
    { registry: "ecr.eu-west-1.amazonaws.com" },
    { registry: "localhost:5000" },
  ],
  life: halfDay,
  open: async () => openAws(),
});

/** Answers every call of the ECR APIs, and remembers where they went. */
function answerAll(resolve: () => object = () => answerOf("password", Date.now() + halfDay)): Request[] {
  const requests: Request[] = [];
  network.use(
    http.post(ecrApi, ({ request }) => {
      requests.push(request);
      const data = resolve();
      if (data instanceof HttpResponse) return data;
      return HttpResponse.json({ authorizationData: request.url.includes("ecr-public") ? data : [data] });
    }),
  );
  return requests;
}

function passwordOf(credential: Credential | undefined): string | undefined {
  return credential?.type === "basic" ? credential.password.reveal() : undefined;
}

describe("where the token is asked for", () => {
  test.each([
    [registry, "https://api.ecr.eu-west-1.amazonaws.com/"],
    // AWS documents the name without `api.`; the SDK's own rules have it.
    ["123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "https://api.ecr-fips.us-east-1.amazonaws.com/"],
    ["123456789012.dkr-ecr.eu-west-1.on.aws", "https://ecr.eu-west-1.api.aws/"],
    ["123456789012.dkr-ecr-fips.us-west-2.on.aws", "https://ecr-fips.us-west-2.api.aws/"],
    ["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "https://api.ecr.cn-north-1.amazonaws.com.cn/"],
    ["123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "https://api.ecr.eusc-de-east-1.amazonaws.eu/"],
    ["123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "https://api.ecr.us-iso-east-1.c2s.ic.gov/"],
    ["public.ecr.aws", "https://api.ecr-public.us-east-1.amazonaws.com/"],
  ])("%s: %s", async (host, url) => {
    const requests = answerAll();
    await fromEcr({ credentials: identity })({ registry: host });
    expect(requests.map((request) => request.url)).toEqual([url]);
  });

  test("a registry of another name is asked for where its owner says", async () => {
    const hosts = {
      "registry.example.com": { region: "eu-central-1", endpoint: "https://ecr.vpce.example.com" },
    };
    const requests = answerAll();
    const provider = fromEcr({ credentials: identity, hosts });
    expect(passwordOf(await provider({ registry: "registry.example.com" }))).toBe("password");
    expect(requests.map((request) => request.url)).toEqual(["https://ecr.vpce.example.com/"]);
    expect(requests[0]?.headers.get("authorization")).toContain("/eu-central-1/ecr/");
    expect(await provider({ registry: "toString" })).toBeUndefined();
  });

  test("an address that the user gave stands, whatever the environment says of endpoints", async () => {
    vi.stubEnv("AWS_USE_FIPS_ENDPOINT", "true");
    vi.stubEnv("AWS_USE_DUALSTACK_ENDPOINT", "true");
    const requests = answerAll();
    const hosts = { "localhost:4510": { region: "us-east-1", endpoint: "https://ecr.localstack.example" } };
    await fromEcr({ credentials: identity, hosts })({ registry: "localhost:4510" });
    expect(requests.map((request) => request.url)).toEqual(["https://ecr.localstack.example/"]);
  });

  test("the accounts of one region share one token, regions do not", async () => {
    const requests = answerAll();
    const provider = fromEcr({ credentials: identity });
    await provider({ registry });
    await provider({ registry: registry.replace("123456789012", "210987654321") });
    expect(requests).toHaveLength(1);
    await provider({ registry: registry.replace("eu-west-1", "eu-west-2") });
    expect(requests).toHaveLength(2);
  });
});

describe("how long a token is used", () => {
  test("it is renewed at half its life, and kept while AWS cannot be asked", async () => {
    const start = Date.now();
    let [time, password] = [start, "first"];
    const requests = answerAll(() =>
      password === "" ? HttpResponse.json({}, { status: 503 }) : answerOf(password, time + halfDay),
    );
    const provider = fromEcr({ credentials: identity, now: () => time });
    await provider({ registry });
    time = start + halfDay / 2 - 1000;
    password = "";
    expect(passwordOf(await provider({ registry }))).toBe("first");
    expect(requests).toHaveLength(1);
    time = start + halfDay / 2 + 1000;
    expect(passwordOf(await provider({ registry }))).toBe("first");
    expect(requests).toHaveLength(2);
    time += 60_000;
    password = "second";
    expect(passwordOf(await provider({ registry }))).toBe("second");
    expect(requests).toHaveLength(3);
  });
});

describe("whose token it is", () => {
  test("the environment's keys", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "canary-key");
    const requests = answerAll();
    await fromEcr()({ registry });
    expect(requests[0]?.headers.get("authorization")).toContain("AKIAENVIRONMENT");
  });

  test("a profile's keys", async () => {
    const file = join(home, "credentials");
    await writeFile(file, "[ci]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = canary-key\n");
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", file);
    const requests = answerAll();
    await fromEcr({ profile: "ci" })({ registry });
    expect(requests[0]?.headers.get("authorization")).toContain("AKIAPROFILE");
  });

  test("a Kubernetes service account's role, by STS", async () => {
    const file = join(home, "web-identity");
    await writeFile(file, "canary-web-identity");
    vi.stubEnv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci");
    vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", file);
    const forms: URLSearchParams[] = [];
    network.use(
      http.post(/^https:\/\/sts\./, async ({ request }) => {
        forms.push(new URLSearchParams(await request.text()));
        return HttpResponse.xml(assumedRole("AKIAROLE"));
      }),
    );
    const requests = answerAll();
    await fromEcr()({ registry });
    expect(forms.map((form) => [form.get("Action"), form.get("WebIdentityToken")])).toEqual([
      ["AssumeRoleWithWebIdentity", "canary-web-identity"],
    ]);
    expect(requests[0]?.headers.get("authorization")).toContain("AKIAROLE");
  });
});

describe("what AWS refuses", () => {
  async function errorOf(options: EcrOptions, host: string = registry): Promise<unknown> {
    return fromEcr(options)({ registry: host }).then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  test.each([
    [
      "AccessDeniedException",
      "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action",
      /ecr:GetAuthorizationToken/,
    ],
    ["ExpiredTokenException", "The security token included in the request is expired", /aws sso login/],
    [
      "UnrecognizedClientException",
      "The security token included in the request is invalid.",
      /renew the keys/,
    ],
    ["InvalidSignatureException", badSignature, /clock/],
    ["ServerException", "These errors are usually caused by a server-side issue.", /cause/],
  ])("%s", async (type, message, hint) => {
    answerAll(() => failure(type, message));
    const error = await errorOf({ credentials: identity });
    expect(error).toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
      cause: { message: message.split("\n")[0] },
    });
    expect(inspect(error)).toMatch(hint);
    expect(inspect(error)).toContain(registry);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  });

  test("a machine without any identity is told how to get one", async () => {
    const error = await errorOf({});
    expect(error).toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
      cause: { name: "CredentialsProviderError" },
    });
    expect(inspect(error)).toMatch(/AWS_PROFILE/);
  });

  test("for public.ecr.aws the error says that pulling is possible without", async () => {
    answerAll(() => failure("AccessDeniedException", "not authorized to perform: sts:GetServiceBearerToken"));
    const error = await errorOf({ credentials: identity }, "public.ecr.aws");
    expect(inspect(error)).toMatch(/sts:GetServiceBearerToken.*without a credential.*publicRegistry: false/s);
  });
});

function assumedRole(accessKeyId: string): string {
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>canary-role-key</SecretAccessKey>
    <SessionToken>canary-role-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
  </Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>`;
}
