import {
  createSingleFlight,
  formatAuthorization,
  memoize,
  type Action,
  type CallOptions,
  type Credential,
  type HttpHeaders,
  type Token,
} from "@drayage/oci";
import type { VendorApiOptions } from "./vendor-api.ts";

/** The credential for a registry, if there is one. */
export type FindCredential = (options: CallOptions) => Promise<Credential | undefined>;

/** How long what has no end of its own is used before its provider is asked again, in milliseconds. */
const maxAge = 60_000;

/** Asks the provider for the registry that the API belongs to, and for no other. */
export function credentialFinder(
  { registry, repository, credentials, send, now }: VendorApiOptions,
  actions: readonly Action[],
): FindCredential {
  if (credentials === undefined) return () => Promise.resolve(undefined);
  const remembered = memoize(credentials, { maxAge, now });
  return ({ signal }) => remembered({ registry, repository: repository.name, actions, send, signal });
}

/** User and password as they are, or a token as a bearer's. */
export function proofOf(credential: Credential | undefined): HttpHeaders {
  if (credential === undefined) return {};
  return credential.type === "basic" ? basicProof(credential) : bearer(credential.token.reveal());
}

function basicProof({ username, password }: Extract<Credential, { type: "basic" }>): HttpHeaders {
  return {
    authorization: formatAuthorization({ scheme: "basic", username, password: password.reveal() }),
  };
}

/** A token that is used in place of a password, as a bearer's. */
export function bearerProofOf(credential: Credential | undefined): HttpHeaders {
  if (credential === undefined) return {};
  return bearer((credential.type === "basic" ? credential.password : credential.token).reveal());
}

export function bearer(token: string): HttpHeaders {
  return { authorization: formatAuthorization({ scheme: "bearer", token }) };
}

/** What `load` gives, until little of its life is left; calls at the same time share one. */
export function keepToken(
  load: (options: CallOptions) => Promise<Token>,
  now: () => number = Date.now,
): (options: CallOptions) => Promise<string> {
  const flight = createSingleFlight<string>();
  let kept = { value: "", until: -Infinity };
  const renew = async (signal: AbortSignal): Promise<string> => {
    const { value, expiresIn } = await load({ signal });
    kept = { value, until: now() + expiresIn * 900 };
    return value;
  };
  return async (options) => (now() < kept.until ? kept.value : flight("token", renew, options));
}
