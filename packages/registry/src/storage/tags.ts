import {
  OciError,
  type CallOptions,
  type DeleteResult,
  type Digest,
  type ListOptions,
  type PutManifestOptions,
  type Tag,
} from "@drayage/oci";
import { tagKey, taggedKey, taggedPrefix, tagsPrefix } from "./keys.ts";
import { listKeys } from "./list.ts";
import type { Place } from "./place.ts";
import { digestOfRecord, encodeRecord, numberOf, parseRecord } from "./record.ts";

/** Where a tag points, since when, and what its document is at. */
export interface TagState {
  readonly digest: Digest;
  readonly pushed: number;
  readonly etag: string;
}

type Condition = Pick<PutManifestOptions, "ifMatch" | "ifNoneMatch">;

/** The tags of one repository. */
export class Tags {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  async find(tag: Tag, options: CallOptions = {}): Promise<TagState | undefined> {
    const { driver, name } = this.#place;
    const stored = await driver.documents.get(tagKey(name, tag), options);
    if (stored === undefined) return undefined;
    const record = parseRecord(stored.bytes);
    const { etag } = stored;
    return { digest: digestOfRecord(record, "digest"), pushed: numberOf(record, "pushed"), etag };
  }

  /** In byte order. */
  list(options: ListOptions): AsyncIterable<Tag> {
    return listKeys(this.#place.driver.documents, tagsPrefix(this.#place.name), options);
  }

  /**
   * Throws unless every tag is where the condition wants it, and may be pointed to the manifest.
   *
   * @throws OciError PRECONDITION_FAILED, DENIED
   */
  async require(tags: readonly Tag[], digest: Digest, condition: Condition): Promise<void> {
    for (const tag of tags) {
      if (isConditional(condition)) await this.#requireOne(tag, condition);
      if (this.#isImmutable(tag)) await this.#isAt(tag, digest);
    }
  }

  /** Points the tag to the manifest. @throws OciError PRECONDITION_FAILED */
  async point(tag: Tag, digest: Digest, condition: Condition): Promise<void> {
    const { driver, name, now } = this.#place;
    const known = isConditional(condition) ? await this.#requireOne(tag, condition) : undefined;
    const isFixed = this.#isImmutable(tag);
    if (isFixed && (await this.#isAt(tag, digest))) return;
    // What leads from the manifest to its tags is there before the tag is, and stays when the tag moves on.
    await driver.documents.put(taggedKey(name, digest, tag), new Uint8Array(0));
    const etag = await driver.documents.put(tagKey(name, tag), encodeRecord({ digest, pushed: now() }), {
      ...(known === undefined ? {} : { ifMatch: known.etag }),
      ...(condition.ifNoneMatch === undefined && !isFixed ? {} : { ifNoneMatch: "*" }),
    });
    if (etag === undefined) throw isFixed ? immutable(tag) : moved(tag);
  }

  /** @throws OciError PRECONDITION_FAILED */
  async remove(
    tag: Tag,
    { ifMatch, signal }: CallOptions & { readonly ifMatch?: Digest | undefined },
  ): Promise<DeleteResult> {
    const { driver, name } = this.#place;
    if (this.#isImmutable(tag) && (await this.find(tag, { signal })) !== undefined) throw immutable(tag);
    const key = tagKey(name, tag);
    if (ifMatch === undefined) {
      return (await driver.documents.delete(key, { signal })) === "deleted" ? "deleted" : "absent";
    }
    const found = await this.find(tag, { signal });
    if (found === undefined) return "absent";
    if (found.digest !== ifMatch) throw moved(tag);
    const result = await driver.documents.delete(key, { ifMatch: found.etag });
    if (result === "changed") throw moved(tag);
    return result;
  }

  /** Removes every tag that points to the manifest. */
  async removeFrom(digest: Digest): Promise<void> {
    const { driver, name } = this.#place;
    for await (const [tag, { etag }] of this.#pointingTo(digest)) {
      await driver.documents.delete(tagKey(name, tag), { ifMatch: etag });
    }
  }

  /** Throws if a tag that points to the manifest is to stay. @throws OciError DENIED */
  async requireMovable(digest: Digest): Promise<void> {
    for await (const [tag] of this.#pointingTo(digest)) if (this.#isImmutable(tag)) throw immutable(tag);
  }

  async *#pointingTo(digest: Digest): AsyncGenerator<readonly [Tag, TagState], void, undefined> {
    const { driver, name } = this.#place;
    for await (const tag of listKeys(driver.documents, taggedPrefix(name, digest))) {
      const found = await this.find(tag);
      if (found?.digest === digest) yield [tag, found];
    }
  }

  #isImmutable(tag: Tag): boolean {
    const { name, rules = {} } = this.#place;
    return rules.isImmutable?.(name, tag) === true;
  }

  /** Whether an immutable tag is at the manifest already, or else nowhere yet. @throws OciError DENIED */
  async #isAt(tag: Tag, digest: Digest): Promise<boolean> {
    const found = await this.find(tag);
    if (found === undefined || found.digest === digest) return found !== undefined;
    throw immutable(tag);
  }

  async #requireOne(tag: Tag, { ifMatch, ifNoneMatch }: Condition): Promise<TagState | undefined> {
    const found = await this.find(tag);
    if (ifMatch !== undefined && found?.digest !== ifMatch) throw moved(tag);
    if (ifNoneMatch !== undefined && found !== undefined) throw moved(tag);
    return found;
  }
}

function isConditional({ ifMatch, ifNoneMatch }: Condition): boolean {
  return ifMatch !== undefined || ifNoneMatch !== undefined;
}

function immutable(tag: Tag): OciError {
  return new OciError("DENIED", `tag ${tag} is set once and for all`);
}

function moved(tag: Tag): OciError {
  return new OciError("PRECONDITION_FAILED", `tag ${tag} is not where it was expected`);
}
