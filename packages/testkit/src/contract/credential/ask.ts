import type { Credential, CredentialRequest, Resource } from "@drayage/oci";
import { expect, vi } from "vitest";
import type { CredentialContext, CredentialWorld } from "./case.ts";

/** What a case may add to the request. */
export type AskOptions = Pick<CredentialRequest, "rejected" | "signal">;

/** Asks for a credential that must be there; by default for the subject's first resource. */
export async function ask(
  { subject, world }: Pick<CredentialContext, "subject" | "world">,
  options: AskOptions & { readonly resource?: Resource | undefined } = {},
): Promise<Credential> {
  const { resource = subject.own[0], ...rest } = options;
  const credential = await world.provider(requestFor(resource, rest));
  if (credential === undefined) throw new Error(`no credential for ${labelOf(resource)}`);
  return credential;
}

/** A pull request that a provider cannot change. */
export function requestFor(resource: Resource, options: AskOptions = {}): CredentialRequest {
  return Object.freeze({ actions: ["pull"], ...resource, ...options } satisfies CredentialRequest);
}

export function labelOf({ registry, repository }: Resource): string {
  return repository === undefined ? registry : `${registry}/${repository}`;
}

/** The text that the credential keeps secret. */
export function secretOf(credential: Credential): string {
  return (credential.type === "basic" ? credential.password : credential.token).reveal();
}

/** Passes once a lookup has begun. */
export async function lookupBegun(world: CredentialWorld): Promise<void> {
  await vi.waitFor(async () => expect(await world.lookups()).toBeGreaterThan(0), {
    interval: 5,
    timeout: 10_000,
  });
}

/** Passes if `call` rejects because a credential should be there and is not. */
export async function expectUnavailable(call: Promise<unknown>): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: "OciError", code: "CREDENTIAL_UNAVAILABLE" });
}

/** What `call` rejects with; a handler is attached at once, so that it may be awaited late. */
export function rejectionOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => Promise.reject(new Error("resolved instead of rejecting")),
    (error: unknown) => error,
  );
}
