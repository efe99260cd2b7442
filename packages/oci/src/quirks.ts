import type { Action } from "./repository.ts";

/**
 * How one registry behaves where registries differ.
 *
 * It is data for both sides: a client decides by it which way to take, and a scripted registry behaves by it. A client
 * reads it as a first guess, never as a wall: what a registry answers counts for more.
 */
export interface Quirks extends BlobQuirks, ManifestQuirks, DeleteQuirks, ListQuirks, AuthQuirks {
  /** What people call it. */
  readonly name: string;
}

/** How blobs are found, mounted, uploaded and sent. */
export interface BlobQuirks {
  /**
   * How to ask whether a blob is there before it is sent. `self-mount` asks and opens an upload in one request:
   * a mount from the repository to itself answers 201 if the blob is there and 202 with a session if not. `get`
   * means that `HEAD` of a blob is refused.
   */
  readonly existence: "self-mount" | "head" | "get";
  /** Which blobs of another repository can be mounted: any, those that a manifest there names, or none. */
  readonly mount: "any" | "referenced" | "none";
  /** What a mount without a source gets: a session, the blob if this repository has it, or a refusal. */
  readonly mountWithoutFrom: "session" | "found" | "refused";
  /** The status of a mount from a repository that does not exist. */
  readonly mountFromUnknown: 202 | 401;
  /** How a blob of known size is sent: in the closing `PUT`, or in one `PATCH` before it. */
  readonly upload: "put" | "patch";
  /** The most bytes that the closing `PUT` may carry; larger blobs go in chunks. */
  readonly maxPut?: number | undefined;
  /** Into how many chunks an upload may be cut. */
  readonly chunks: "any" | "one";
  /** The least bytes that a chunk may have, the last one apart. */
  readonly minChunk?: number | undefined;
  /** The most bytes that a chunk may have. */
  readonly maxChunk?: number | undefined;
  /** The status of a chunk that was taken. */
  readonly chunkStatus: 202 | 201;
  /** Which bytes the `Range` of an upload names: all that were received, or for ever those of the first chunk. */
  readonly uploadRange: "received" | "first-chunk";
  /** Whether the URL of an upload changes with every answer, and the one before is worth nothing. */
  readonly uploadState: boolean;
  /** Whether the bytes of an upload must come as `application/octet-stream`. */
  readonly uploadType: boolean;
  /** How `Location` names the registry itself. */
  readonly location: "path" | "url";
  /** How many bytes the headers may have that answer the opening of an upload. */
  readonly headerBytes: number;
  /** Where a blob comes from: the registry itself, or a store that it redirects to with this status. */
  readonly blobRedirect?: 302 | 307 | undefined;
  /** Whether a part of a blob can be asked for; otherwise all of it comes, with 200. */
  readonly blobRange: boolean;
}

/** How manifests and their referrers are read and written. */
export interface ManifestQuirks {
  /** Whether `HEAD` of a manifest that is not there says so; otherwise it is answered 403. */
  readonly headManifest: boolean;
  /** Whether a manifest comes with `Docker-Content-Digest`. */
  readonly digestHeader: boolean;
  /** Whether a manifest may lack its `mediaType` property. */
  readonly untypedManifest: boolean;
  /** The error code of a manifest that is not there. */
  readonly unknownCode: string;
  /** Whether manifests are compressed for who accepts that, so that `Content-Length` is not their size. */
  readonly compression: boolean;
  /** Whether `sha256-<hex>` in place of a tag is read as that digest. */
  readonly digestAsTag: boolean;
  /** Whether referrers are listed, or the status instead. */
  readonly referrers: "listed" | 404 | 406;
  /** What is said of the referrers of a manifest that is not there. */
  readonly referrersOfUnknown: "listed" | 400;
}

/** What can be deleted, or the status of the answer if it cannot. */
export interface DeleteQuirks {
  readonly deleteTag: "deleted" | 400 | 404 | 405;
  /** `untagged`: only while no tag points to it. */
  readonly deleteManifest: "deleted" | "untagged" | 404 | 405;
  readonly deleteBlob: "deleted" | 404 | 405;
  /** What a token must allow for any of them. */
  readonly deleteAction: Action;
}

/** How tags and repositories are listed. */
export interface ListQuirks {
  /** The largest `n` that lists take. */
  readonly maxPageSize: number;
  /** What a larger `n` gets: a page of the largest size, or a refusal. */
  readonly oversizedPage: "cut" | "refused";
  /** How many entries a page has without `n`; all of them by default. */
  readonly defaultPageSize?: number | undefined;
  /**
   * How pages of tags go on: `linked` to the next one, even behind the last one (`linked-on`), cut at `n` without a
   * `Link` (`unlinked`), or not at all, for `n` is ignored (`whole`).
   */
  readonly tagPages: "linked" | "linked-on" | "unlinked" | "whole";
  /** Whether tags are listed in the order of their bytes. */
  readonly tagOrder: "bytes" | "any";
  /** Whether a list starts behind `last`; otherwise always at its beginning. */
  readonly listAfter: boolean;
  /** What is found among the tags besides them. */
  readonly tagEntries: "tags" | "null" | "digests";
  /** Where the `Link` of a list leads: to its own path, to one that lacks its first component, or to one inside. */
  readonly listLink: "own" | "shortened" | "internal";
  /** How the tags of a repository without any are listed. */
  readonly noTags: "empty" | 404;
  /** Whether repositories are listed, or the status instead. */
  readonly catalog: "listed" | 401;
}

/** How the registry wants to be convinced. */
export interface AuthQuirks {
  /** The challenges of a 401: the schemes, in their order and spelling. */
  readonly challenge: "Bearer" | "Basic" | "BASIC" | "Bearer, Basic";
  /** The scope that a challenge names: what is needed, reading only, or everything. */
  readonly challengeScope: "needed" | "pull" | "*";
  /** Which of several `scope` parameters the token server honours. */
  readonly tokenScopes: "all" | "last";
  /** What a token must allow for listing tags. */
  readonly tagAction: "pull" | "metadata_read";
}

/** What the distribution-spec has a client expect; an unknown host is taken for that until it shows otherwise. */
export const standardQuirks: Quirks = {
  name: "standard",
  existence: "self-mount",
  mount: "any",
  mountWithoutFrom: "session",
  mountFromUnknown: 202,
  upload: "put",
  chunks: "any",
  chunkStatus: 202,
  uploadRange: "received",
  uploadState: false,
  uploadType: false,
  location: "path",
  headerBytes: 0,
  blobRange: true,
  headManifest: true,
  digestHeader: true,
  untypedManifest: true,
  unknownCode: "MANIFEST_UNKNOWN",
  compression: false,
  digestAsTag: false,
  referrers: "listed",
  referrersOfUnknown: "listed",
  deleteTag: "deleted",
  deleteManifest: "deleted",
  deleteBlob: "deleted",
  deleteAction: "delete",
  maxPageSize: 1000,
  oversizedPage: "cut",
  tagPages: "linked",
  tagOrder: "bytes",
  listAfter: true,
  tagEntries: "tags",
  listLink: "own",
  noTags: "empty",
  catalog: "listed",
  challenge: "Bearer",
  challengeScope: "needed",
  tokenScopes: "all",
  tagAction: "pull",
};
