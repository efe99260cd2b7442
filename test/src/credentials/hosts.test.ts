import { profileOf, profiles, type KnownRegistry } from "@drayage/client";
import { fromAcr } from "@drayage/credentials-acr";
import { fromEcr } from "@drayage/credentials-ecr";
import { fromArtifactRegistry } from "@drayage/credentials-gar";
import { fromGitHub } from "@drayage/credentials-github";
import type { CredentialProvider } from "@drayage/oci";
import { describe, expect, test } from "vitest";

const nobody = (): Promise<never> => Promise.reject(new Error("there is no identity"));

/** One name of each form that the providers take for theirs, and what the command knows it by. */
const hosts: readonly (readonly [host: string, known: KnownRegistry])[] = [
  ["ghcr.io", "ghcr"],
  ["123456789012.dkr.ecr.eu-west-1.amazonaws.com", "ecr"],
  ["123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "ecr"],
  ["123456789012.dkr-ecr.eu-west-1.on.aws", "ecr"],
  ["123456789012.dkr-ecr-fips.us-gov-east-1.on.aws", "ecr"],
  ["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr"],
  ["123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "ecr"],
  ["123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "ecr"],
  ["123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "ecr"],
  ["123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "ecr"],
  ["123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "ecr"],
  ["123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "ecr"],
  ["public.ecr.aws", "ecrPublic"],
  ["ecr-public.aws.com", "ecrPublic"],
  ["europe-docker.pkg.dev", "gar"],
  ["europe-west4-docker.pkg.dev", "gar"],
  ["docker.us-central1.rep.pkg.dev", "gar"],
  ["gcr.io", "gcr"],
  ["eu.gcr.io", "gcr"],
  ["marketplace.gcr.io", "gcr"],
  ["contoso.azurecr.io", "acr"],
  ["contoso-e7ggejfuhzhgedc8.azurecr.us", "acr"],
  ["contoso.azurecr.cn", "acr"],
  ["contoso.azurecr.de", "acr"],
  ["contoso.eastus.geo.azurecr.io", "acr"],
  ["contoso.chinaeast2.geo.azurecr.cn", "acr"],
  ["contoso.usgovvirginia.geo.azurecr.us", "acr"],
];

const providers: readonly CredentialProvider[] = [
  fromGitHub({ env: { GITHUB_TOKEN: "" } }),
  fromEcr({ credentials: nobody }),
  fromArtifactRegistry({ auth: { getAccessToken: nobody } }),
  fromAcr({ tokenSource: { getToken: nobody } }),
];

// The command asks a provider only for the registries that the client knows by the profile; where the two disagree,
// a registry would be anonymous without a word.
describe("a host that a provider takes for its own", () => {
  test.each(hosts)("%s is known as %s", (host, known) => {
    expect(profileOf(host)).toBe(profiles[known]);
  });

  test.each(hosts)("%s is one provider's, and no other's", async (registry) => {
    const claims = await Promise.all(providers.map((provider) => claimsOf(provider, registry)));
    expect(claims.filter((isClaimed) => isClaimed)).toHaveLength(1);
  });
});

describe.each([
  ["fromGitHub", (name: string) => fromGitHub({ token: "ghp_token", hosts: [name] })],
  ["fromEcr", (name: string) => fromEcr({ credentials: nobody, hosts: { [name]: { region: "us-east-1" } } })],
  [
    "fromArtifactRegistry",
    (name: string) => fromArtifactRegistry({ auth: { getAccessToken: nobody }, hosts: [name] }),
  ],
  ["fromAcr", (name: string) => fromAcr({ tokenSource: { getToken: nobody }, hosts: [name] })],
] as const)("a registry that the user names to %s", (_provider, named) => {
  // Asked for by its canonical name, another spelling of it would be anonymous without a word.
  test.each(["registry.example.com", "Registry.Example.com", "https://registry.example.com"])(
    "is served when it is spelt %s, and no other is",
    async (name) => {
      const provider = named(name);
      expect(await claimsOf(provider, "registry.example.com")).toBe(true);
      for (const other of ["example.com", "registry.example.com:5000", "registry.example.com.evil.test"])
        expect(await claimsOf(provider, other)).toBe(false);
    },
  );

  test("is refused at once when it is no registry", () => {
    expect(() => named("registry.example.com/team")).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID" }),
    );
  });
});

/** Whether the provider takes the registry for its own: by a credential, or by the failure to find one. */
async function claimsOf(provider: CredentialProvider, registry: string): Promise<boolean> {
  return provider({ registry }).then(
    (credential) => credential !== undefined,
    () => true,
  );
}
