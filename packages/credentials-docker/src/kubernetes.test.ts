import type { Credential } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { canary, expectFailure, failureOf } from "../fixture/canary.ts";
import { authOf } from "../fixture/machine.ts";
import { fromKubernetesSecret, matchesHost } from "./kubernetes.ts";

function passwordOf(credential: Credential | undefined): string | undefined {
  return credential?.type === "basic" ? credential.password.reveal() : undefined;
}

function failureOfSecret(secret: string): unknown {
  try {
    return fromKubernetesSecret(secret);
  } catch (error) {
    return error;
  }
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64");
}

const entries = { "reg.example": { auth: authOf("me", "pass") } };

describe("fromKubernetesSecret", () => {
  it.each([
    { name: ".dockerconfigjson as it is mounted", secret: JSON.stringify({ auths: entries }) },
    {
      name: "a Secret with .dockerconfigjson",
      secret: JSON.stringify({ kind: "Secret", data: { ".dockerconfigjson": base64({ auths: entries }) } }),
    },
    {
      name: "a Secret with .dockercfg",
      secret: JSON.stringify({ kind: "Secret", data: { ".dockercfg": base64(entries) } }),
    },
  ])("reads $name", async ({ secret }) => {
    for (const content of [secret, new TextEncoder().encode(secret)]) {
      const provider = fromKubernetesSecret(content);
      expect(passwordOf(await provider({ registry: "reg.example", repository: "team/app" }))).toBe("pass");
      expect(await provider({ registry: "other.example" })).toBeUndefined();
    }
  });

  it("takes the longest path, segment by segment, with a pattern for the host", async () => {
    const provider = fromKubernetesSecret(
      JSON.stringify({
        auths: {
          "*.reg.example/team": { auth: authOf("me", "team") },
          "https://*.reg.example": { auth: authOf("me", "host") },
        },
      }),
    );
    const asked = ["team", "team/app", "team-evil/app"];
    const found = asked.map((repository) => provider({ registry: "eu.reg.example", repository }));
    expect((await Promise.all(found)).map(passwordOf)).toEqual(["team", "team", "host"]);
    expect(await provider({ registry: "reg.example", repository: "team" })).toBeUndefined();
  });

  it("runs no helper, whatever the secret names", async () => {
    const secret = { auths: {}, credsStore: "missing", credHelpers: { "reg.example": "../evil" } };
    expect(await fromKubernetesSecret(JSON.stringify(secret))({ registry: "reg.example" })).toBeUndefined();
  });

  it.each([
    { name: "nothing", secret: "" },
    { name: "no JSON", secret: `{"auths": ${canary}` },
    {
      name: "entries without auths",
      secret: JSON.stringify({ "reg.example": { auth: authOf("me", canary) } }),
    },
    { name: "auths that are no object", secret: JSON.stringify({ auths: [canary] }) },
    { name: "another kind of Secret", secret: JSON.stringify({ kind: "Secret", data: { token: canary } }) },
    {
      name: "a Secret with broken base64",
      secret: JSON.stringify({ kind: "Secret", data: { ".dockerconfigjson": `!${canary}` } }),
    },
  ])("refuses $name at once", ({ secret }) => {
    expectFailure(failureOfSecret(secret), "Kubernetes");
  });

  it("throws for a broken entry when it is asked for it", async () => {
    const provider = fromKubernetesSecret(
      JSON.stringify({ auths: { ...entries, "bad.example": { auth: canary } } }),
    );
    expect(passwordOf(await provider({ registry: "reg.example" }))).toBe("pass");
    expectFailure(await failureOf(provider({ registry: "bad.example" })), 'auths["bad.example"]');
  });

  it("throws for a credential that was refused, and for an abort", async () => {
    const provider = fromKubernetesSecret(
      JSON.stringify({ auths: { "reg.example": { auth: authOf("me", canary) } } }),
    );
    const rejected = await provider({ registry: "reg.example" });
    expectFailure(
      await failureOf(provider({ registry: "reg.example", rejected })),
      'auths["reg.example"]',
      "refused",
    );
    const reason = new Error("no longer wanted");
    const aborted = provider({ registry: "reg.example", signal: AbortSignal.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
  });
});

describe("matchesHost", () => {
  it.each([
    ["reg.example", "reg.example"],
    ["*.reg.example", "eu.reg.example"],
    ["*.*.example", "eu.reg.example"],
    ["eu-*-1.reg.example", "eu-west-1.reg.example"],
    ["*a*b*.example", "xaxbxab.example"],
    ["re?.example:5000", "reg.example:5000"],
    ["*", "localhost"],
  ])("%s stands for %s", (pattern, host) => {
    expect(matchesHost(pattern, host)).toBe(true);
  });

  it.each([
    ["*.reg.example", "reg.example"],
    ["*.reg.example", "a.b.reg.example"],
    ["*.example", "reg.example.evil"],
    ["reg.example", "regxexample"],
    ["reg.example", "reg.example:5000"],
    ["reg.example:5000", "reg.example:5001"],
    ["reg.example:*", "reg.example:5000"],
    ["*a*b.example", "xaxbxa.example"],
    ["re?.example", "re.example"],
    ["*", "a.example"],
  ])("%s does not stand for %s", (pattern, host) => {
    expect(matchesHost(pattern, host)).toBe(false);
  });

  it("takes no more steps than pattern and label have characters together, times each other", () => {
    expect(matchesHost(`${"*a".repeat(500)}b`, "a".repeat(5000))).toBe(false);
  });
});
