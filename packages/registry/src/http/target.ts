import {
  formatRoute,
  includesEntityTag,
  isDigest,
  isTag,
  OciError,
  parseEntityTags,
  type At,
  type Digest,
} from "@drayage/oci";
import type { Call, Reply } from "./exchange.ts";

/** The path of a blob: absolute, but without a host, of which the request could tell anything. */
export function blobLocation(name: string, digest: Digest): string {
  return formatRoute({ kind: "blob", name, digest });
}

export function manifestLocation(name: string, digest: Digest): string {
  return formatRoute({ kind: "manifest", name, reference: digest });
}

/** What to read or delete; nothing is at a name that nothing can have. @throws OciError MANIFEST_UNKNOWN */
export function parseKnownAt(text: string): At {
  if (isDigest(text) || isTag(text)) return text;
  throw new OciError("MANIFEST_UNKNOWN", "there is no manifest of such a name");
}

/** @throws OciError BLOB_UNKNOWN */
export function parseKnownBlob(text: string): Digest {
  if (isDigest(text)) return text;
  throw new OciError("BLOB_UNKNOWN", "there is no blob of such a digest");
}

/** Whether the client has this content already. */
export function isUnmodified({ headers }: Call, digest: Digest): boolean {
  return includesEntityTag(parseEntityTags(headers["if-none-match"]), digest);
}

/** Content never runs: neither by its type, which is not guessed, nor in the origin of a user interface. */
export const inertHeaders: Reply["headers"] = { "content-security-policy": "sandbox; default-src 'none'" };
