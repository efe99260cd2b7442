import { createHash, randomBytes } from "node:crypto";
import { ownValue, parseJson, parseObject, Secret, type CallOptions, type DocumentStore } from "@drayage/oci";

/** Who has been given a refresh token, and for what. */
export interface RefreshGrant {
  readonly subject: string;
  readonly service: string;
  /** Of the account at that time. */
  readonly version: string | undefined;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Tokens that stand for a login, for clients that shall not keep a password. */
export interface RefreshTokens {
  issue(grant: RefreshGrant): Promise<Secret>;
  /** What the token stands for, as long as it does. */
  find(token: Secret, options?: CallOptions): Promise<RefreshGrant | undefined>;
  /** Makes the token worthless; so it may be already. */
  revoke(token: Secret): Promise<void>;
}

/**
 * Refresh tokens among the documents of a storage driver, so that every instance knows them and a restart forgets
 * none. Whoever reads the storage finds only their hashes.
 */
export function createRefreshTokens(documents: DocumentStore, now: () => number): RefreshTokens {
  return {
    async issue(grant) {
      const token = new Secret(randomBytes(32).toString("base64url"));
      const { subject, service, version, expiresAt } = grant;
      const text = JSON.stringify({ subject, service, version, expiresAt });
      await documents.put(keyOf(token), new TextEncoder().encode(text));
      return token;
    },
    async find(token, options) {
      const key = keyOf(token);
      const stored = await documents.get(key, options);
      const grant = stored && parseGrant(stored.bytes);
      if (grant === undefined || grant.expiresAt > now()) return grant;
      await documents.delete(key);
      return undefined;
    },
    async revoke(token) {
      await documents.delete(keyOf(token));
    },
  };
}

/** No repository or upload is kept under this prefix. */
function keyOf(token: Secret): string {
  return `refresh-tokens/${createHash("sha256").update(token.reveal()).digest("hex")}`;
}

function parseGrant(bytes: Uint8Array): RefreshGrant | undefined {
  const record = parseObject(parseJson(bytes, "STORAGE_INVALID")) ?? {};
  const [subject, service, version, expiresAt] = ["subject", "service", "version", "expiresAt"].map((key) =>
    ownValue(record, key),
  );
  if (typeof subject !== "string" || typeof service !== "string" || typeof expiresAt !== "number") {
    return undefined;
  }
  return { subject, service, version: typeof version === "string" ? version : undefined, expiresAt };
}
