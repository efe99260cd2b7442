import { isDigest, OciError, type Digest, type Tag } from "@drayage/oci";

/*
 * The one place that builds a document key, and only from parsed names, tags and digests.
 *
 * `_` begins no repository name, so `repos/a/_tags/x` is never a document of a repository `a/_tags`.
 * Truth: blob links, manifests, tags, uploads. The rest only leads there: such a document is checked when it is
 * used, and one that leads nowhere does no harm.
 */

/** All that belongs to repositories. */
export const repositoriesPrefix = "repos/";

/** That a repository has a blob. */
export function blobKey(name: string, digest: Digest): string {
  return blobsPrefix(name) + fileOf(digest);
}

export function blobsPrefix(name: string): string {
  return `repos/${name}/_blobs/`;
}

/** Leads to the repositories that may have a blob. */
export function holderKey(digest: Digest, name: string): string {
  return holdersPrefix(digest) + name;
}

export function holdersPrefix(digest: Digest): string {
  return `holders/${fileOf(digest)}/`;
}

export function manifestKey(name: string, digest: Digest): string {
  return manifestsPrefix(name) + fileOf(digest);
}

export function manifestsPrefix(name: string): string {
  return `repos/${name}/_manifests/`;
}

export function tagKey(name: string, tag: Tag): string {
  return tagsPrefix(name) + tag;
}

export function tagsPrefix(name: string): string {
  return `repos/${name}/_tags/`;
}

/** Leads to the tags that may point to a manifest. */
export function taggedKey(name: string, digest: Digest, tag: Tag): string {
  return taggedPrefix(name, digest) + tag;
}

export function taggedPrefix(name: string, digest: Digest): string {
  return `repos/${name}/_tagged/${fileOf(digest)}/`;
}

/** Leads to the manifests that may refer to a subject. */
export function referrerKey(name: string, subject: Digest, digest: Digest): string {
  return referrersPrefix(name, subject) + fileOf(digest);
}

export function referrersPrefix(name: string, subject: Digest): string {
  return `repos/${name}/_referrers/${fileOf(subject)}/`;
}

/** Leads from a blob or manifest to a manifest that may need it. */
export function useKey(name: string, content: Digest, by: Digest): string {
  return usesPrefix(name, content) + fileOf(by);
}

export function usesPrefix(name: string, content: Digest): string {
  return `repos/${name}/_uses/${fileOf(content)}/`;
}

/** That a repository has content. */
export function catalogKey(name: string): string {
  return catalogPrefix + name;
}

export const catalogPrefix = "catalog/";

export function uploadKey(id: string): string {
  return uploadsPrefix + id;
}

export const uploadsPrefix = "uploads/";

/** Whether garbage is being collected. */
export const collectingKey = "gc/collecting";

/** A document whose time tells the storage's own clock. */
export const clockKey = "gc/clock";

/** That content was in no repository when garbage was last collected. */
export function condemnedKey(digest: Digest): string {
  return condemnedPrefix + fileOf(digest);
}

export const condemnedPrefix = "gc/condemned/";

/** That a repository would have a blob if its bytes were not lost. */
export function lostKey(digest: Digest, name: string): string {
  return `${lostPrefix}${fileOf(digest)}/${name}`;
}

export const lostPrefix = "lost/";

/** A manifest that is not what its digest says. */
export function quarantineKey(name: string, digest: Digest): string {
  return `quarantine/${name}/_manifests/${fileOf(digest)}`;
}

/** The digest that the last segment of `key` stands for. */
export function parseDigestKey(key: string): Digest {
  return parseDigestName(key.slice(key.lastIndexOf("/") + 1));
}

/** The digest that a segment of a key stands for. */
export function parseDigestName(segment: string): Digest {
  const text = segment.replace("-", ":");
  if (isDigest(text)) return text;
  throw new OciError("STORAGE_INVALID", "a key has no digest where it should");
}

/** The last segment of the keys of what a digest names. */
export function contentName(digest: Digest): string {
  return fileOf(digest);
}

function fileOf(digest: Digest): string {
  return digest.replace(":", "-");
}
