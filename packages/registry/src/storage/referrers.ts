import {
  artifactTypeOf,
  parseManifest,
  referrerOf,
  type CallOptions,
  type Descriptor,
  type Digest,
} from "@drayage/oci";
import { parseDigestKey, referrerKey, referrersPrefix } from "./keys.ts";
import { listKeys } from "./list.ts";
import type { Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";

/** Which manifests of one repository refer to which subject. */
export class Referrers {
  readonly #place: Place;
  readonly #manifests: Manifests;

  constructor(place: Place, manifests: Manifests) {
    this.#place = place;
    this.#manifests = manifests;
  }

  /** After the manifest itself has been stored; an entry without its manifest is passed over. */
  async add(subject: Digest, digest: Digest): Promise<void> {
    const { driver, name } = this.#place;
    await driver.documents.put(referrerKey(name, subject, digest), new Uint8Array(0));
  }

  /** In the order of their digests. */
  async *list(
    subject: Digest,
    { artifactType, signal }: CallOptions & { readonly artifactType?: string | undefined },
  ): AsyncGenerator<Descriptor, void, undefined> {
    const { driver, name } = this.#place;
    for await (const key of listKeys(driver.documents, referrersPrefix(name, subject), { signal })) {
      const document = await this.#manifests.find(parseDigestKey(key), { signal });
      if (document === undefined) continue;
      const manifest = parseManifest(document.bytes, document.descriptor.mediaType);
      const isWanted = artifactType === undefined || artifactTypeOf(manifest) === artifactType;
      if (isWanted) yield referrerOf(manifest, document.descriptor);
    }
  }

  /** After the manifest itself has been removed. */
  async remove(subject: Digest, digest: Digest): Promise<void> {
    const { driver, name } = this.#place;
    await driver.documents.delete(referrerKey(name, subject, digest));
    // Somebody may have stored it again meanwhile, and the entry that was removed was theirs.
    if (await this.#manifests.has(digest)) await this.add(subject, digest);
  }
}
