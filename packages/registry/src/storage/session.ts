import {
  isDigestAlgorithm,
  OciError,
  ownValue,
  parseObject,
  type CallOptions,
  type Digest,
  type DigestAlgorithm,
  type JsonObject,
  type DocumentStore,
  type UploadToken,
} from "@drayage/oci";
import type { SavedHash } from "./hashing.ts";
import { uploadKey } from "./keys.ts";
import { digestOfRecord, encodeRecord, numberOf, parseRecord, textOf } from "./record.ts";

/** What is stored of an upload: everything that another process needs to go on with it. */
export interface Session {
  readonly repository: string;
  /** Who began it, where users are known. */
  readonly owner?: string | undefined;
  readonly token: UploadToken;
  readonly algorithm: DigestAlgorithm;
  /** The hash of what is stored, where others could not have it otherwise. */
  readonly hash?: SavedHash | undefined;
  /** Who writes just now. */
  readonly claim?: Claim | undefined;
  /** What its last writer was about to make of it. */
  readonly committing?: Digest | undefined;
  /** It has been given up, and somebody is removing what is left. */
  readonly isEnded?: true | undefined;
  /** What it became, kept for a client that has not got the answer. */
  readonly committed?: { readonly digest: Digest; readonly size: number } | undefined;
}

/** The right to write, until a time in milliseconds since 1970. */
export interface Claim {
  readonly by: string;
  readonly until: number;
}

export interface StoredSession {
  readonly session: Session;
  readonly etag: string;
  readonly modified: number;
}

/** The session of that id, unless it has been given up. */
export async function findSession(
  documents: DocumentStore,
  id: string,
  options: CallOptions = {},
): Promise<StoredSession | undefined> {
  const stored = await readSession(documents, id, options);
  return stored?.session.isEnded === true ? undefined : stored;
}

/** The session of that id, as long as anything of it is left. */
export async function readSession(
  documents: DocumentStore,
  id: string,
  options: CallOptions = {},
): Promise<StoredSession | undefined> {
  const stored = await documents.get(uploadKey(id), options);
  if (stored?.bytes.byteLength === 0) {
    // The power went before the disk had it.
    await documents.delete(uploadKey(id));
    return undefined;
  }
  return stored && { session: parseSession(stored.bytes), etag: stored.etag, modified: stored.modified };
}

/** Stores the session if it is still at `etag`, or new where there is none. Resolves to its new etag. */
export function storeSession(
  documents: DocumentStore,
  id: string,
  { session, etag }: { readonly session: Session; readonly etag: string | undefined },
): Promise<string | undefined> {
  const { repository, owner, token, algorithm, hash, claim, committing, isEnded, committed } = session;
  const record = encodeRecord({
    repository,
    owner,
    token,
    algorithm,
    hash,
    claim,
    committing,
    isEnded,
    committed,
  });
  return documents.put(uploadKey(id), record, {
    // Whoever uploads can begin again; what has become a blob is durable by itself.
    durability: "relaxed",
    ...(etag === undefined ? { ifNoneMatch: "*" } : { ifMatch: etag }),
  });
}

function parseSession(bytes: Uint8Array): Session {
  const record = parseRecord(bytes);
  const algorithm = textOf(record, "algorithm");
  if (!isDigestAlgorithm(algorithm)) throw damaged();
  const hash = parsePart(record, "hash");
  const claim = parsePart(record, "claim");
  const committed = parsePart(record, "committed");
  return {
    repository: textOf(record, "repository"),
    owner: Object.hasOwn(record, "owner") ? textOf(record, "owner") : undefined,
    token: textOf(record, "token"),
    algorithm,
    hash: hash && { size: numberOf(hash, "size"), state: textOf(hash, "state") },
    claim: claim && { by: textOf(claim, "by"), until: numberOf(claim, "until") },
    committing: Object.hasOwn(record, "committing") ? digestOfRecord(record, "committing") : undefined,
    isEnded: ownValue(record, "isEnded") === true ? true : undefined,
    committed: committed && parseCommitted(committed),
  };
}

function parseCommitted(record: JsonObject): { readonly digest: Digest; readonly size: number } {
  return { digest: digestOfRecord(record, "digest"), size: numberOf(record, "size") };
}

function parsePart(record: JsonObject, key: string): JsonObject | undefined {
  const value = ownValue(record, key);
  if (value === undefined) return undefined;
  const part = parseObject(value);
  if (part === undefined) throw damaged();
  return part;
}

function damaged(): OciError {
  return new OciError("STORAGE_INVALID", "a stored upload session is damaged");
}
