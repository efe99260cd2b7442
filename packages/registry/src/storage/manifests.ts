import { randomUUID } from "node:crypto";
import {
  mapConcurrent,
  OciError,
  type CallOptions,
  type Descriptor,
  type Digest,
  type JsonObject,
  type ManifestDocument,
  type RemoveResult,
  type StoredDocument,
} from "@drayage/oci";
import { blobKey, manifestKey, manifestsPrefix, parseDigestName, quarantineKey } from "./keys.ts";
import { listKeys } from "./list.ts";
import type { Place } from "./place.ts";
import { encodeRecord, parseRecord, textOf } from "./record.ts";

/** What a manifest needs beside itself. */
export interface RequiredContent {
  readonly blobs: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
}

export interface StoredManifest {
  readonly document: ManifestDocument;
  readonly etag: string;
  /** By the storage's own clock, in milliseconds since 1970. */
  readonly modified: number;
}

export interface StoredBytes {
  readonly stored: StoredDocument;
  readonly bytes: Uint8Array | undefined;
}

const lineFeed = 0x0a;
const concurrentChecks = 16;

/**
 * The manifests of one repository.
 *
 * A manifest is one document: a line of JSON with its media type, then its own bytes, so that no crash can part
 * them and one read serves a pull.
 */
export class Manifests {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  async find(digest: Digest, options: CallOptions = {}): Promise<ManifestDocument | undefined> {
    const { driver, name } = this.#place;
    const stored = await driver.documents.get(manifestKey(name, digest), options);
    return stored && decode(digest, stored);
  }

  /** The same with what its document is at. */
  async findStored(digest: Digest, options: CallOptions = {}): Promise<StoredManifest | undefined> {
    const { driver, name } = this.#place;
    const stored = await driver.documents.get(manifestKey(name, digest), options);
    return stored && { document: decode(digest, stored), etag: stored.etag, modified: stored.modified };
  }

  /** Notes that the manifest is wanted: whoever has found it to be garbage before may not remove it any more. */
  async touch(digest: Digest): Promise<void> {
    const { driver, name } = this.#place;
    const stored = await driver.documents.get(manifestKey(name, digest));
    if (stored === undefined) return;
    const { head, bytes } = split(stored);
    const touched = encode({ ...head, mark: randomUUID() }, bytes);
    await driver.documents.put(manifestKey(name, digest), touched, { ifMatch: stored.etag });
  }

  async *list(options: CallOptions): AsyncGenerator<Digest, void, undefined> {
    const { driver, name } = this.#place;
    for await (const key of listKeys(driver.documents, manifestsPrefix(name), options)) {
      yield parseDigestName(key);
    }
  }

  /** The bytes as they are stored, whatever they are; `undefined` for bytes of which nothing can be made. */
  async findBytes(digest: Digest, options: CallOptions = {}): Promise<StoredBytes | undefined> {
    const { driver, name } = this.#place;
    const stored = await driver.documents.get(manifestKey(name, digest), options);
    if (stored === undefined) return undefined;
    const end = stored.bytes.indexOf(lineFeed);
    return { stored, bytes: end < 0 ? undefined : stored.bytes.subarray(end + 1) };
  }

  /** Takes a manifest away from readers that is not what its digest says. */
  async quarantine(digest: Digest, { stored }: StoredBytes): Promise<RemoveResult> {
    const { driver, name } = this.#place;
    await driver.documents.put(quarantineKey(name, digest), stored.bytes);
    return driver.documents.delete(manifestKey(name, digest), { ifMatch: stored.etag });
  }

  async has(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    const { driver, name } = this.#place;
    return (await driver.documents.head(manifestKey(name, digest), options)) !== undefined;
  }

  /** Resolves to what its document is at. */
  async store({ descriptor, bytes }: ManifestDocument): Promise<string | undefined> {
    const { driver, name, now } = this.#place;
    const head = { mediaType: descriptor.mediaType, pushed: now(), mark: randomUUID() };
    return driver.documents.put(manifestKey(name, descriptor.digest), encode(head, bytes));
  }

  async remove(
    digest: Digest,
    options: { readonly ifMatch?: string | undefined } = {},
  ): Promise<RemoveResult> {
    const { driver, name } = this.#place;
    return driver.documents.delete(manifestKey(name, digest), options);
  }

  /** Throws unless all that the manifest needs is here. @throws OciError MANIFEST_BLOB_UNKNOWN naming all that is missing */
  async requireContent({ blobs, manifests }: RequiredContent, options: CallOptions): Promise<void> {
    const { name, rules = {} } = this.#place;
    const { references = "strict" } = rules;
    const lacking = await this.#lacking(manifests, (digest) => manifestKey(name, digest), options);
    const mayLack =
      references === "sparse" || (references === "platforms" && lacking.length < manifests.length);
    const missing = [
      ...(await this.#lacking(blobs, (digest) => blobKey(name, digest), options)),
      ...(mayLack ? [] : lacking),
    ];
    if (missing.length === 0) return;
    throw new OciError("MANIFEST_BLOB_UNKNOWN", `${name} lacks ${missing.join(", ")}`, {
      detail: { digests: missing },
    });
  }

  /** Which of the content is not here. */
  async #lacking(
    content: readonly Descriptor[],
    keyOf: (digest: Digest) => string,
    options: CallOptions,
  ): Promise<readonly Digest[]> {
    const { documents } = this.#place.driver;
    const found = await mapConcurrent(
      content,
      concurrentChecks,
      ({ digest }, { signal }) => documents.head(keyOf(digest), { signal }),
      options,
    );
    return content.filter((_, index) => found[index] === undefined).map(({ digest }) => digest);
  }
}

function encode(head: JsonObject, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([encodeRecord(head), Uint8Array.of(lineFeed), bytes]);
}

function decode(digest: Digest, stored: StoredDocument): ManifestDocument {
  const { head, bytes } = split(stored);
  return { descriptor: { mediaType: textOf(head, "mediaType"), digest, size: bytes.byteLength }, bytes };
}

function split(stored: StoredDocument): { readonly head: JsonObject; readonly bytes: Uint8Array } {
  const end = stored.bytes.indexOf(lineFeed);
  if (end < 0) throw new OciError("STORAGE_INVALID", "a stored manifest has no head");
  return { head: parseRecord(stored.bytes.subarray(0, end)), bytes: stored.bytes.subarray(end + 1) };
}
