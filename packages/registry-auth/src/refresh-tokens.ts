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
      await sweep(documents, now).catch(() => undefined); // the next one will
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
const prefix = "refresh-tokens/";

function keyOf(token: Secret): string {
  return prefix + createHash("sha256").update(token.reveal()).digest("hex");
}

/** How many are looked at whenever one is added: with more than one, those that have expired cannot pile up. */
const sweptAtOnce = 4;

/** Removes those of a few that have expired. Keys are hashes, so that any place to begin is as good as another. */
async function sweep(documents: DocumentStore, now: () => number): Promise<void> {
  const after = prefix + randomBytes(32).toString("hex");
  const behind = await documents.list(prefix, { after, limit: sweptAtOnce });
  const missing = sweptAtOnce - behind.keys.length;
  const before = missing === 0 ? undefined : await documents.list(prefix, { limit: missing });
  for (const key of new Set([...behind.keys, ...(before?.keys ?? [])])) {
    const stored = await documents.get(key);
    const grant = stored && parseGrant(stored.bytes);
    if (grant !== undefined && grant.expiresAt <= now()) await documents.delete(key);
  }
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
