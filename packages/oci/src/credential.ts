import { OciError } from "./errors.ts";
import type { HttpSend } from "./http.ts";
import { parseRegistry } from "./reference.ts";
import type { Action, CallOptions } from "./repository.ts";

/** Text that is not printed: string conversion, JSON and `util.inspect` all give `[secret]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The text itself, for whoever is about to send it where it belongs. */
  reveal(): string {
    return this.#value;
  }

  /** Whether `other` is the same text. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }
}

// Not a member: declarations that are emitted file by file cannot name a computed one.
Object.defineProperty(Secret.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value: () => "[secret]",
});

/** What a credential is for: a registry by its canonical name (`docker.io` for Docker Hub), maybe one repository of it. */
export interface Resource {
  readonly registry: string;
  readonly repository?: string | undefined;
}

interface Proof {
  readonly expiresAt?: Date | undefined;
  /** What its owner should look at when a registry refuses it; for the error that the user will read. */
  readonly hint?: string | undefined;
}

/** What proves who we are. */
export type Credential = Proof &
  (
    | { readonly type: "basic"; readonly username: string; readonly password: Secret }
    | { readonly type: "refresh-token"; readonly token: Secret }
    | { readonly type: "bearer"; readonly token: Secret }
  );

/** What a credential is wanted for. */
export interface CredentialRequest extends Resource, CallOptions {
  readonly actions?: readonly Action[] | undefined;
  /** What the registry has just refused; the provider should look again rather than answer from a cache. */
  readonly rejected?: Credential | undefined;
  /** The asking client's way to other servers, for a provider that has to exchange one token for another. */
  readonly send?: HttpSend | undefined;
}

/**
 * Finds the credential for a resource.
 *
 * `undefined` means that the resource is not this provider's; a throw means that it is, and that something is
 * broken. So a failure can never be mistaken for anonymous access.
 */
export type CredentialProvider = (request: CredentialRequest) => Promise<Credential | undefined>;

/** The provider that has nothing for anybody. */
export const anonymous: CredentialProvider = () => Promise.resolve(undefined);

/**
 * The first credential that one of `providers` has; a provider that throws stops the search.
 *
 * @example chain(fromStatic("ghcr.io", { username: "me", password: token }), fromDockerConfig())
 */
export function chain(...providers: readonly CredentialProvider[]): CredentialProvider {
  return async (request) => {
    for (const provider of providers) {
      const credential = await provider(request);
      if (credential !== undefined) return credential;
    }
    return undefined;
  };
}

/**
 * `provider`, asked only for the registries named, by any of their names.
 *
 * @throws OciError REFERENCE_INVALID
 * @example forRegistry(["ghcr.io", "localhost:5000"], provider)
 */
export function forRegistry(
  registries: string | readonly string[],
  provider: CredentialProvider,
): CredentialProvider {
  const list = typeof registries === "string" ? [registries] : registries;
  const names = new Set(list.map((name) => parseRegistry(name).registry));
  return (request) => (names.has(request.registry) ? provider(request) : Promise.resolve(undefined));
}

/** What {@link fromStatic} takes: a user and password, or one of the two kinds of token. */
export type StaticCredential =
  | { readonly username: string; readonly password: Secret | string }
  | { readonly refreshToken: Secret | string }
  | { readonly bearerToken: Secret | string };

/**
 * A provider for one registry and one credential that never changes.
 *
 * @throws OciError REFERENCE_INVALID; OPTION_INVALID for a user name that cannot be sent
 * @example fromStatic("registry.example.com", { username: "ci", password: "…" })
 */
export function fromStatic(registry: string, credential: StaticCredential): CredentialProvider {
  const found = credentialOf(credential);
  return forRegistry(registry, ({ rejected }) =>
    isSameCredential(found, rejected) ? Promise.reject(refused(registry)) : Promise.resolve(found),
  );
}

function credentialOf(credential: StaticCredential): Credential {
  if ("username" in credential) {
    const { username, password } = credential;
    return { type: "basic", username: usernameOf(username), password: secretOf(password) };
  }
  return "refreshToken" in credential
    ? { type: "refresh-token", token: secretOf(credential.refreshToken) }
    : { type: "bearer", token: secretOf(credential.bearerToken) };
}

/** Basic authentication has no way to carry others (RFC 7617 §2). */
function usernameOf(text: string): string {
  if (/^[^\u0000-\u001f\u007f:]+$/.test(text)) return text;
  throw new OciError("OPTION_INVALID", "`username` is empty, or has a colon or a control character");
}

function secretOf(value: Secret | string): Secret {
  return typeof value === "string" ? new Secret(value) : value;
}

/** Whether two credentials prove the same; when they expire does not matter. */
export function isSameCredential(one: Credential | undefined, other: Credential | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  if (one.type === "basic") {
    return other.type === "basic" && one.username === other.username && one.password.equals(other.password);
  }
  return other.type !== "basic" && one.type === other.type && one.token.equals(other.token);
}

/** What is thrown at whoever asks again for what a registry did not take. */
export function refused(registry: string, hint?: string): OciError {
  const message = `${registry} refused the credential that was given for it`;
  return new OciError("CREDENTIAL_UNAVAILABLE", message, { hint });
}
