import {
  algorithmOf,
  createDigester,
  digestMatches,
  isOciError,
  type CallOptions,
  type Digest,
  type StorageDriver,
} from "@drayage/oci";
import { BlobLinks } from "../storage/blobs.ts";
import { listStoredRepositories } from "../storage/catalog.ts";
import { blobKey, blobsPrefix, lostKey, lostPrefix, parseDigestName } from "../storage/keys.ts";
import { listKeys } from "../storage/list.ts";
import { Manifests } from "../storage/manifests.ts";
import type { Place } from "../storage/place.ts";
import { encodeRecord } from "../storage/record.ts";
import { Uses } from "../storage/uses.ts";

export interface ScrubOptions extends CallOptions {
  /** Whether what is damaged is taken away from readers, so that a new push replaces it; it is by default. */
  readonly quarantine?: boolean | undefined;
  /** Is told of every blob whose bytes have been read, whatever they were. */
  readonly onChecked?: ((checked: { readonly digest: Digest; readonly size: number }) => void) | undefined;
}

/** Content that is not what its digest says, or that is not there. */
export interface DamagedContent {
  readonly kind: "blob" | "manifest";
  readonly digest: Digest;
  readonly problem: "digest" | "size" | "missing";
  /** Where it is needed; bytes that are there and wrong are nobody's in particular. */
  readonly repository?: string | undefined;
}

export interface ScrubReport {
  /** Whose bytes were read. */
  readonly blobs: number;
  /** In those blobs. */
  readonly bytes: number;
  readonly manifests: number;
  readonly damaged: readonly DamagedContent[];
  /** Blobs that repositories have again since somebody has pushed their bytes anew. */
  readonly healed: number;
}

interface Scrubbing {
  readonly driver: StorageDriver;
  readonly mayChange: boolean;
  readonly found: (damaged: DamagedContent) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads everything that is stored and holds it against its digest.
 *
 * What is damaged goes into quarantine: readers are told that it is not here, and whoever pushes it again heals it,
 * in his repository at once and in all others by the next scrubbing.
 *
 * @throws OciError UNAVAILABLE
 * @example const { damaged } = await scrub(driver)
 */
export async function scrub(
  driver: StorageDriver,
  { quarantine = true, onChecked = () => undefined, signal }: ScrubOptions = {},
): Promise<ScrubReport> {
  const damaged: DamagedContent[] = [];
  const found = (each: DamagedContent): void => void damaged.push(each);
  const scrubbing: Scrubbing = { driver, mayChange: quarantine, found, signal };
  const healed = quarantine ? await heal(scrubbing) : 0;
  let [blobs, bytes, manifests] = [0, 0, 0];
  for await (const digest of listBlobs(driver, { signal })) {
    const size = await checkBlob(digest, scrubbing);
    if (size === undefined) continue;
    blobs++;
    bytes += size;
    onChecked({ digest, size });
  }
  for await (const name of listStoredRepositories(driver.documents, { signal })) {
    const place = { driver, name, now: () => 0 };
    manifests += await checkManifests(place, scrubbing);
    await checkLinks(place, scrubbing);
  }
  return { blobs, bytes, manifests, damaged, healed };
}

async function* listBlobs(
  { blobs }: StorageDriver,
  { signal }: CallOptions,
): AsyncGenerator<Digest, void, undefined> {
  for (let after: Digest | undefined, more = true; more; ) {
    const page = await blobs.list({ after, limit: 1000, signal });
    yield* page.digests;
    after = page.digests.at(-1);
    more = page.more && after !== undefined;
  }
}

/** Resolves to the size of what has been read; `undefined` if it has gone meanwhile. */
async function checkBlob(
  digest: Digest,
  { driver, mayChange, found, signal }: Scrubbing,
): Promise<number | undefined> {
  const state = await driver.blobs.stat(digest, { signal });
  if (state === undefined) return undefined;
  const { size, etag } = state;
  const problem = await problemOf(driver, digest, { size, signal });
  if (problem === "missing" && (await driver.blobs.stat(digest, { signal })) === undefined) return undefined;
  if (problem === undefined) return size;
  const isStill = !mayChange || (await driver.blobs.quarantine(digest, { ifMatch: etag })) === "deleted";
  if (isStill) found({ kind: "blob", digest, problem });
  return size;
}

async function problemOf(
  { blobs }: StorageDriver,
  digest: Digest,
  { size, signal }: CallOptions & { readonly size: number },
): Promise<DamagedContent["problem"] | undefined> {
  const digester = createDigester(algorithmOf(digest));
  try {
    for await (const chunk of blobs.read(digest, { start: 0, length: size, signal })) digester.update(chunk);
  } catch (error) {
    if (isOciError(error, "BLOB_UNKNOWN")) return "missing";
    if (isOciError(error, "STORAGE_INVALID")) return "size";
    throw error;
  }
  return digester.digest() === digest ? undefined : "digest";
}

/** Resolves to how many there are. */
async function checkManifests(place: Place, { mayChange, found, signal }: Scrubbing): Promise<number> {
  const manifests = new Manifests(place);
  let count = 0;
  for await (const digest of manifests.list({ signal })) {
    const stored = await manifests.findBytes(digest, { signal });
    if (stored === undefined) continue;
    count++;
    if (stored.bytes !== undefined && digestMatches(digest, stored.bytes)) continue;
    const isStill = !mayChange || (await manifests.quarantine(digest, stored)) === "deleted";
    if (isStill) found({ kind: "manifest", digest, problem: "digest", repository: place.name });
  }
  return count;
}

/** Takes links away whose bytes are not here: a client that is told of the blob would not push it again. */
async function checkLinks(place: Place, { driver, mayChange, found, signal }: Scrubbing): Promise<void> {
  const { documents, blobs } = driver;
  for await (const segment of listKeys(documents, blobsPrefix(place.name), { signal })) {
    const digest = parseDigestName(segment);
    const key = blobKey(place.name, digest);
    const link = await documents.get(key, { signal });
    if (link === undefined || (await blobs.stat(digest, { signal })) !== undefined) continue;
    found({ kind: "blob", digest, problem: "missing", repository: place.name });
    if (!mayChange) continue;
    await documents.put(lostKey(digest, place.name), encodeRecord({}));
    // Whoever links it again has looked whether the bytes are here.
    await documents.delete(key, { ifMatch: link.etag });
  }
}

/** Gives blobs back to repositories that have lost them, whose bytes are here again. Resolves to how many. */
async function heal({ driver, signal }: Scrubbing): Promise<number> {
  let healed = 0;
  for await (const rest of listKeys(driver.documents, lostPrefix, { signal })) {
    const slash = rest.indexOf("/");
    const digest = parseDigestName(rest.slice(0, slash));
    const name = rest.slice(slash + 1);
    const found = await driver.blobs.stat(digest, { signal });
    if (found === undefined) continue;
    const place = { driver, name, now: () => 0 };
    const links = new BlobLinks(place, new Uses(place));
    const isHere = (await links.find(digest, { signal })) !== undefined;
    if (!isHere) await links.link(digest, found.size);
    await driver.documents.delete(lostKey(digest, name));
    if (!isHere) healed++;
  }
  return healed;
}
