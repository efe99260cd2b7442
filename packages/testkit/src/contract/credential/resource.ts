import { Secret, type Credential, type Resource } from "@drayage/oci";
import { expect } from "vitest";
import { ask, labelOf, requestFor, secretOf } from "./ask.ts";
import type { CredentialCase, CredentialContext, CredentialProviderSubject } from "./case.ts";

/** The rules about which resources a provider has a credential for. */
export function resourceCases(subject: CredentialProviderSubject): readonly CredentialCase[] {
  return [
    {
      title: "nothing is done before a credential is asked for",
      run: async ({ world }) => expect(await world.lookups()).toBe(0),
    },
    ...subject.own.map(ownCase),
    ...subject.foreign.map(foreignCase),
    ...[...new Set(subject.own.map(({ registry }) => registry))].map(lookAlikeCase),
    {
      title: "a resource of its own has a credential for its repositories too",
      run: async (context) => {
        const { registry, repository = "team/app" } = context.subject.own[0];
        expectCredential(await ask(context, { resource: { registry, repository } }));
      },
    },
    {
      title: "a resource that is not its own has nothing, even while lookups fail",
      run: async ({ world }) => {
        await world.fail();
        const [resource = { registry: "registry.invalid" }] = subject.foreign;
        expect(await world.provider(requestFor(resource))).toBeUndefined();
      },
    },
  ];
}

function ownCase(resource: Resource): CredentialCase {
  return {
    title: `${labelOf(resource)} has a credential`,
    run: async (context) => {
      const credential = await ask(context, { resource });
      expectCredential(credential);
      expect(context.world.secrets()).toContain(secretOf(credential));
    },
  };
}

function foreignCase(resource: Resource): CredentialCase {
  return {
    title: `${labelOf(resource)} has nothing, and nothing is looked up for it`,
    run: (context) => expectNothing(context, [resource]),
  };
}

function lookAlikeCase(registry: string): CredentialCase {
  return {
    title: `names that look like ${registry} have nothing (GO-2026-6225)`,
    run: async (context) => {
      const own = new Set(context.subject.own.map((resource) => resource.registry));
      const names = lookAlikesOf(registry).filter((name) => !own.has(name));
      await expectNothing(
        context,
        names.map((name) => ({ registry: name })),
      );
    },
  };
}

async function expectNothing({ world }: CredentialContext, resources: readonly Resource[]): Promise<void> {
  const served: string[] = [];
  for (const resource of resources) {
    const credential = await world.provider(requestFor(resource));
    if (credential !== undefined) served.push(labelOf(resource));
  }
  expect(served).toEqual([]);
  expect(await world.lookups()).toBe(0);
}

function expectCredential(credential: Credential): void {
  expect(["basic", "refresh-token", "bearer"]).toContain(credential.type);
  expect(credential.type === "basic" ? credential.password : credential.token).toBeInstanceOf(Secret);
  expect(secretOf(credential)).not.toBe("");
  if (credential.type !== "basic") return;
  // RFC 7617 ends the user-id at the first colon.
  expect(credential.username).toMatch(/^[^:]+$/);
}

/** Names that a careless comparison takes for `registry`: by prefix, suffix, substring, or unescaped dots. */
function lookAlikesOf(registry: string): readonly string[] {
  const [host = registry, port] = registry.split(":");
  const at = port === undefined ? "" : `:${port}`;
  return [
    `${host}.evil.example${at}`,
    `evil.example.${host}${at}`,
    `${host}${port === "8443" ? ":9443" : ":8443"}`,
    `evil.example/${registry}`,
    `evil.example#${registry}`,
    `${registry}@evil.example`,
    `evil.example\\@${registry}`,
    `${registry}/.evil.example`,
    `${registry}\u0000.evil.example`,
    `${registry}\n`,
    ` ${registry}`,
    registry.replaceAll(".", "\u3002"),
    ...positionsOf(".", host).map((index) => `${host.slice(0, index)}x${host.slice(index + 1)}${at}`),
  ].filter((name) => name !== registry);
}

function positionsOf(character: string, text: string): readonly number[] {
  return text.split("").flatMap((each, index) => (each === character ? [index] : []));
}
