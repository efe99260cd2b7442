import { inspect } from "node:util";
import { answerWith, isOciError, OciError, type Answer, type HttpRequest, type HttpSend } from "@drayage/oci";
import { credentialProviderContract, type CredentialWorld } from "@drayage/testkit";
import { describe, expect, test, vi } from "vitest";
import { fromAcr, type AcrOptions, type EntraTokenSource } from "./index.ts";

/** For use inside `toMatchObject`, where vitest's own is of type any. */
const containing = (text: string): unknown => expect.stringContaining(text);

const registry = "contoso.azurecr.io";
const life = 35 * 60_000;
const start = Date.UTC(2026, 0, 1);

// As if the optional peer were not installed; with it, the provider is tested in test/src.
vi.mock("@azure/identity", () => {
  throw new Error("Cannot find package '@azure/identity'");
});

/** A JWT as far as anybody without its key can tell. */
function jwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.c2lnbmF0dXJl`;
}

function refreshToken(nonce: number, seconds = life / 1000): string {
  return jwt({ iat: 1_000_000, exp: 1_000_000 + seconds, jti: `canary-${nonce}` });
}

const entra: EntraTokenSource = { getToken: async () => ({ token: "canary-entra" }) };

/** Entra and the exchange in memory. */
function openAzure(): CredentialWorld {
  let [time, lookups, isFailing, served] = [start, 0, false, 0];
  let [stalled, resume] = [Promise.resolve(), (): void => undefined];
  const tokens = Array.from({ length: 20 }, (_, nonce) => refreshToken(nonce));
  const send = answerWith(async () => {
    lookups++;
    await stalled;
    if (isFailing) return { status: 401, body: JSON.stringify({ errors: [{ message: "canary-entra" }] }) };
    return { body: JSON.stringify({ refresh_token: tokens[served++] }) };
  });
  return {
    provider: fromAcr({ tokenSource: entra, send, now: () => time }),
    lookups: () => lookups,
    secrets: () => [...tokens, "canary-entra"],
    fail: () => void (isFailing = true),
    stall: () => {
      stalled = new Promise((resolve) => (resume = resolve));
    },
    restore: () => {
      isFailing = false;
      resume();
    },
    rotate: () => undefined,
    clock: { now: () => time, advance: (milliseconds) => void (time += milliseconds) },
  };
}

credentialProviderContract({
  name: "fromAcr",
  own: [{ registry }, { registry: "contoso.azurecr.us" }, { registry: "contoso.eastus.geo.azurecr.io" }],
  foreign: [
    { registry: "mcr.microsoft.com" },
    { registry: "contoso.eastus.data.azurecr.io" },
    { registry: "docker.io" },
  ],
  life,
  open: async () => openAzure(),
});

/** A provider whose exchange is answered with `answer`, and what it was asked. */
function withAnswer(
  answer: Answer,
  options: AcrOptions = {},
): { requests: HttpRequest[]; ask: () => Promise<unknown> } {
  const requests: HttpRequest[] = [];
  const send = answerWith((request) => {
    requests.push(request);
    return answer;
  });
  const provider = fromAcr({ tokenSource: entra, send, now: () => start, ...options });
  return { requests, ask: () => provider({ registry }) };
}

const good = { body: JSON.stringify({ refresh_token: refreshToken(0) }) };

describe("the exchange", () => {
  test("the Entra token goes to the registry it is for, in the body of a POST", async () => {
    const { requests, ask } = withAnswer(good, { tenant: "contoso.example" });
    await ask();
    const [request] = requests;
    expect(request).toMatchObject({ method: "POST", url: "https://contoso.azurecr.io/oauth2/exchange" });
    expect(Object.fromEntries(new URLSearchParams(String(request?.body)))).toEqual({
      grant_type: "access_token",
      service: registry,
      tenant: "contoso.example",
      access_token: "canary-entra",
    });
    expect(request?.headers).toMatchObject({ "content-type": "application/x-www-form-urlencoded" });
  });

  // The token that leaked in GO-2026-6225 opened all of Azure.
  test("Entra is asked for container registries alone", async () => {
    const scopes: string[] = [];
    const tokenSource: EntraTokenSource = {
      getToken: async (scope) => {
        scopes.push(scope);
        return { token: "canary-entra" };
      },
    };
    await withAnswer(good, { tokenSource }).ask();
    await withAnswer(good, { tokenSource, scope: "https://management.chinacloudapi.cn/.default" }).ask();
    expect(scopes).toEqual([
      "https://containerregistry.azure.net/.default",
      "https://management.chinacloudapi.cn/.default",
    ]);
  });

  test("what comes back is a refresh token, for the client to trade in", async () => {
    expect(await withAnswer(good).ask()).toMatchObject({ type: "refresh-token" });
  });

  test.each([
    ["says", refreshToken(0, 2089), 2089],
    ["does not say", jwt({ jti: "x" }), 900],
    ["says backwards", refreshToken(0, -60), 900],
    ["says for years", refreshToken(0, 1e9), 900],
    ["does not say as JSON", "opaque.bm90IGpzb24.token", 900],
    ["is not a JWT", "opaque", 900],
  ])("it lives as long as it %s, counted from now", async (_what, token, seconds) => {
    const credential = await withAnswer({ body: JSON.stringify({ refresh_token: token }) }).ask();
    expect(credential).toMatchObject({ expiresAt: new Date(start + seconds * 1000) });
  });

  const [roles, kind] = [containing("AcrPull"), containing("Azure Container Registry")];

  test.each([
    ["401", { status: 401, body: `{"errors":[{"message":"canary-entra"}]}` }, false, roles],
    ["404", { status: 404, body: "canary-entra" }, false, roles],
    ["429", { status: 429, body: "" }, true, roles],
    ["503", { status: 503, body: "" }, true, roles],
    ["no JSON", { body: "canary-entra" }, false, kind],
    ["an array", { body: "[]" }, false, kind],
    ["no token", { body: `{"access_token":"canary-entra"}` }, false, kind],
    ["a token that is a number", { body: `{"refresh_token":1}` }, false, kind],
    [
      "a token that would break a header",
      { body: `{"refresh_token":"canary-entra\\r\\nX: y"}` },
      false,
      kind,
    ],
  ])(
    "an answer of %s is an error with a hint, and not quoted (C30)",
    async (_what, answer, retryable, hint) => {
      const error: unknown = await withAnswer(answer)
        .ask()
        .catch((thrown: unknown) => thrown);
      expect(isOciError(error, "CREDENTIAL_UNAVAILABLE")).toBe(true);
      expect(error).toMatchObject({ retryable, hint });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
    },
  );

  test("an answer without end is not read to the end", async () => {
    const { ask } = withAnswer({ body: new Uint8Array(64 * 1024 + 1) });
    await expect(ask()).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  test("what `send` refuses stays what it is", async () => {
    const refusal = new OciError("ADDRESS_REFUSED", "169.254.169.254 is link-local");
    const send: HttpSend = () => Promise.reject(refusal);
    await expect(fromAcr({ tokenSource: entra, send })({ registry })).rejects.toBe(refusal);
  });
});

describe("how the exchange is sent", () => {
  test("by the asking client's own way, unless `send` is given", async () => {
    const asked: string[] = [];
    const sendOf = (name: string): HttpSend =>
      answerWith(() => {
        asked.push(name);
        return good;
      });
    await fromAcr({ tokenSource: entra })({ registry, send: sendOf("client") });
    await fromAcr({ tokenSource: entra, send: sendOf("option") })({ registry, send: sendOf("client") });
    expect(asked).toEqual(["client", "option"]);
  });

  test("there is no other way", async () => {
    await expect(fromAcr({ tokenSource: entra })({ registry })).rejects.toMatchObject({
      code: "OPTION_INVALID",
      hint: containing("`send`"),
    });
  });
});

describe("the token source", () => {
  test.each([
    ["has none", { getToken: async () => null }],
    ["gives an empty one", { getToken: async () => ({ token: "" }) }],
    [
      "throws",
      {
        getToken: async () => {
          throw Object.assign(new Error("AADSTS7000215: Invalid client secret.\ncanary-secret"), {
            request: { headers: { authorization: "canary-secret" } },
          });
        },
      },
    ],
  ])("that %s is an error, not anonymous access", async (_what, tokenSource) => {
    const { requests, ask } = withAnswer(good, { tokenSource });
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(isOciError(error, "CREDENTIAL_UNAVAILABLE") && error.hint).toContain("az login");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
    expect(requests).toEqual([]);
  });

  test("without one, and without its SDK, the error names the package", async () => {
    await expect(fromAcr({ send: answerWith(() => good) })({ registry })).rejects.toMatchObject({
      code: "CREDENTIAL_UNAVAILABLE",
      message: containing("@azure/identity"),
      cause: { message: containing("") },
    });
  });
});
