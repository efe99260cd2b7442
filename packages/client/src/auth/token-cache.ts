import { coversScope, type Credential, type Scope, type Secret } from "@drayage/oci";

/** What a request is sent with to prove what it may do. */
export interface Proof {
  /** The value of `Authorization`. */
  readonly authorization: Secret;
  /** What it was made of; nothing for an anonymous token. */
  readonly credential: Credential | undefined;
  /** What it was asked for; a password is good for anything. */
  readonly scopes: readonly Scope[] | "any";
  /** When to make another one, by the client's clock. */
  readonly refreshAt: number;
  /** When to make another one for what may take long, such as an upload; never after {@link refreshAt}. */
  readonly refreshForLongAt: number;
}

/** What a proof is wanted for. */
export interface ProofWish {
  readonly scopes: readonly Scope[];
  readonly now: number;
  /** Whether it must outlast something that may take long. */
  readonly isForLong: boolean;
}

/** The proofs of one client, by the registry and repository whose credential they were made of. */
export interface TokenCache {
  /** One that is good for all of what is wished. */
  find(key: string, wish: ProofWish): Proof | undefined;
  keep(key: string, proof: Proof): void;
  forget(key: string, proof: Proof): void;
}

/** A cache of `limit` registries and repositories, the least recently used being dropped. */
export function createTokenCache({ limit = 1000 }: { readonly limit?: number } = {}): TokenCache {
  const proofs = new Map<string, readonly Proof[]>();

  const set = (key: string, list: readonly Proof[]): void => {
    proofs.delete(key);
    if (list.length > 0) proofs.set(key, list);
    const oldest = proofs.size > limit ? proofs.keys().next().value : undefined;
    if (oldest !== undefined) proofs.delete(oldest);
  };

  return {
    find(key, { scopes, now, isForLong }) {
      const usable = (proofs.get(key) ?? []).filter(({ refreshAt }) => refreshAt > now);
      set(key, usable);
      const lasting = isForLong ? usable.filter(({ refreshForLongAt }) => refreshForLongAt > now) : usable;
      return lasting.find((proof) => isGoodFor(proof, scopes));
    },
    keep(key, proof) {
      const { scopes } = proof;
      // What the new one covers is not needed any more.
      const others = (proofs.get(key) ?? []).filter(
        (other) => scopes !== "any" && (other.scopes === "any" || !isGoodFor(proof, other.scopes)),
      );
      set(key, [proof, ...others]);
    },
    forget(key, proof) {
      set(
        key,
        (proofs.get(key) ?? []).filter((other) => other !== proof),
      );
    },
  };
}

function isGoodFor(proof: Proof, scopes: readonly Scope[]): boolean {
  const granted = proof.scopes;
  return granted === "any" || scopes.every((scope) => coversScope(granted, scope));
}
