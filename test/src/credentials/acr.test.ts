import { inspect } from "node:util";
import { AzureCliCredential, ClientSecretCredential } from "@azure/identity";
import { fromAcr } from "@drayage/credentials-acr";
import { answerWith, type Credential, type HttpRequest } from "@drayage/oci";
import { http, HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { internet } from "../network.ts";

const registry = "contoso.azurecr.io";
const tenant = "11111111-2222-3333-4444-555555555555";
const network = internet();

// Nothing of the machine's own Azure configuration.
beforeEach(() => {
  for (const name of Object.keys(process.env).filter((each) => each.startsWith("AZURE_")))
    vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

/** Entra for one tenant; gives the scopes it was asked for. */
function openEntra(answer: () => HttpResponse<object>): string[] {
  const scopes: string[] = [];
  const authority = `https://login.microsoftonline.com/${tenant}`;
  network.use(
    http.get("https://login.microsoftonline.com/common/discovery/instance", () =>
      HttpResponse.json({
        tenant_discovery_endpoint: `${authority}/v2.0/.well-known/openid-configuration`,
        metadata: [],
      }),
    ),
    http.get(`${authority}/v2.0/.well-known/openid-configuration`, () =>
      HttpResponse.json({
        token_endpoint: `${authority}/oauth2/v2.0/token`,
        authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
        issuer: `${authority}/v2.0`,
        jwks_uri: `${authority}/discovery/v2.0/keys`,
      }),
    ),
    http.post(`${authority}/oauth2/v2.0/token`, async ({ request }) => {
      scopes.push(new URLSearchParams(await request.text()).get("scope") ?? "");
      return answer();
    }),
  );
  return scopes;
}

function entraToken(): HttpResponse<object> {
  return HttpResponse.json({ access_token: "canary-entra", expires_in: 3599, token_type: "Bearer" });
}

const requests: HttpRequest[] = [];
const send = answerWith((request) => {
  requests.push(request);
  return { body: JSON.stringify({ refresh_token: "refresh" }) };
});
beforeEach(() => void requests.splice(0));

function tokenOf(credential: Credential | undefined): string | undefined {
  return credential?.type === "refresh-token" ? credential.token.reveal() : undefined;
}

describe("Microsoft Entra", () => {
  test("a client secret of @azure/identity becomes a refresh token of the registry", async () => {
    const scopes = openEntra(entraToken);
    const tokenSource = new ClientSecretCredential(tenant, "client", "canary-secret");
    expect(tokenOf(await fromAcr({ tokenSource, send })({ registry }))).toBe("refresh");
    expect(scopes).toEqual(["https://containerregistry.azure.net/.default"]);
    expect(requests.map(({ body }) => new URLSearchParams(String(body)).get("access_token"))).toEqual([
      "canary-entra",
    ]);
  });

  test("without a token source, DefaultAzureCredential looks at the environment first", async () => {
    vi.stubEnv("AZURE_TENANT_ID", tenant);
    vi.stubEnv("AZURE_CLIENT_ID", "client");
    vi.stubEnv("AZURE_CLIENT_SECRET", "canary-secret");
    openEntra(entraToken);
    expect(tokenOf(await fromAcr({ send })({ registry }))).toBe("refresh");
  });

  test("a wrong secret is an error with Entra's own words, and without the secret", async () => {
    openEntra(() =>
      HttpResponse.json(
        {
          error: "invalid_client",
          error_description:
            "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app 'client'.",
          error_codes: [7000215],
        },
        { status: 401 },
      ),
    );
    const tokenSource = new ClientSecretCredential(tenant, "client", "canary-secret");
    const error: unknown = await fromAcr({ tokenSource, send })({ registry }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(inspect(error)).toContain("AADSTS7000215");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
    expect(requests).toEqual([]);
  });

  test("a machine without the Azure command line is told how to sign in", async () => {
    vi.stubEnv("PATH", "/nonexistent");
    const error: unknown = await fromAcr({ tokenSource: new AzureCliCredential(), send })({ registry }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "CREDENTIAL_UNAVAILABLE" });
    expect(inspect(error)).toContain("az login");
  });
});
