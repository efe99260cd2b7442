import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { OciError } from "@drayage/oci";
import { beforeAll, describe, expect, test } from "vitest";
import { loginOf } from "../fixture/login.ts";
import { staticKeys, type KeySet } from "./key-set.ts";
import { workloadIdentity, type Workload } from "./workload-identity.ts";

const now = Date.UTC(2030, 0, 1);
const audience = "registry.test";
// What GitHub Actions and Kubernetes put into their tokens.
const github = {
  iss: "https://github-actions.test",
  sub: "repo:octo-org/app:ref:refs/heads/main",
  repository: "octo-org/app",
  ref: "refs/heads/main",
};
const kubernetes = {
  iss: "https://kubernetes.test",
  sub: "system:serviceaccount:prod:builder",
  "kubernetes.io": { namespace: "prod" },
};

let pair: Awaited<ReturnType<typeof generateKeyPair>>;
let keys: KeySet;
beforeAll(async () => {
  pair = await generateKeyPair("RS256");
  keys = staticKeys({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: "1" }] });
});

const sign = (claims: object): Promise<string> =>
  new SignJWT({ aud: audience, nbf: now / 1000, exp: now / 1000 + 300, ...claims })
    .setProtectedHeader({ alg: "RS256", kid: "1" })
    .sign(pair.privateKey);

function accountsOf(issuer: string, ...workloads: readonly Workload[]) {
  return workloadIdentity({ issuer, audience, keys, workloads, now: () => now });
}
const main = {
  claims: { repository: "octo-org/app", ref: "refs/heads/main" },
  subject: "app-main",
  groups: ["ci"],
};
const org = { claims: { repository: "octo-org/*" }, subject: "org" };

describe("workloadIdentity", () => {
  test("a job of GitHub Actions is who the first workload says that fits all its claims", async () => {
    const accounts = accountsOf(github.iss, main, org);
    const whoIs = async (claims: object) =>
      (await accounts.logIn(loginOf("anything", await sign({ ...github, ...claims }))))?.identity;
    expect(await whoIs({})).toEqual({ subject: "app-main", groups: ["ci"] });
    expect(await whoIs({ ref: "refs/heads/main2" })).toMatchObject({ subject: "org" });
    expect(await whoIs({ repository: "octo-org-evil/app" })).toBeUndefined();
    expect(await whoIs({ repository: ["octo-org/app"] })).toBeUndefined();
    expect(await whoIs({ repository: undefined })).toBeUndefined();
  });

  test("a pod of Kubernetes is known by its service account", async () => {
    const workload = { claims: { sub: "system:serviceaccount:prod:*" }, subject: "prod" };
    const accounts = accountsOf(kubernetes.iss, workload);
    expect(await accounts.logIn(loginOf("", await sign(kubernetes)))).toMatchObject({
      identity: { subject: "prod" },
    });
    const staging = await sign({ ...kubernetes, sub: "system:serviceaccount:staging:builder" });
    expect(await accounts.logIn(loginOf("", staging))).toBeUndefined();
  });

  test.each([
    ["for another audience", { aud: "https://github.com/octo-org" }],
    ["of another issuer", { iss: "https://evil.test" }],
    ["that has expired", { exp: now / 1000 - 60 }],
  ])("a token %s is no login", async (_what, claims) => {
    const token = await sign({ ...github, ...claims });
    expect(await accountsOf(github.iss, main).logIn(loginOf("x", token))).toBeUndefined();
  });

  test("a password is left to others without asking the issuer for anything", async () => {
    const asked: unknown[] = [];
    const silent = {
      find: (id: string | undefined) => {
        asked.push(id);
        return Promise.resolve(undefined);
      },
    };
    const accounts = workloadIdentity({ issuer: github.iss, audience, keys: silent, workloads: [main] });
    for (const password of ["pw", "", "a.b.c", await sign({ ...github, iss: "https://other.test" })]) {
      expect(await accounts.logIn(loginOf("me", password))).toBeUndefined();
    }
    expect(asked).toEqual([]);
  });

  test("when its keys cannot be had, that is no wrong login", async () => {
    const away = { find: () => Promise.reject(new OciError("UNAVAILABLE", "away")) };
    const accounts = workloadIdentity({ issuer: github.iss, audience, keys: away, workloads: [main] });
    await expect(accounts.logIn(loginOf("me", await sign(github)))).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
  });

  test.each([
    { ...main, claims: {} },
    { ...main, subject: "" },
    { ...main, claims: { ref: "" } },
  ])("%j is refused at once", (workload) => {
    expect(() => accountsOf(github.iss, workload)).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});
