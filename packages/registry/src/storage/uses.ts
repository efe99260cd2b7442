import { mapConcurrent, OciError, type CallOptions, type Descriptor, type Digest } from "@drayage/oci";
import { manifestKey, parseDigestKey, useKey, usesPrefix } from "./keys.ts";
import { listKeys } from "./list.ts";
import type { Place } from "./place.ts";

const concurrentWrites = 16;
/** How long a manifest that is being put may take to arrive behind what leads to it, in milliseconds. */
const arrival = 60_000;

interface NeedOptions extends CallOptions {
  readonly since: number;
  readonly without?: ReadonlySet<Digest> | undefined;
}

/** Which manifests of one repository need which of its blobs and manifests. */
export class Uses {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Whoever deletes the content from then on is refused. */
  async add(content: readonly Descriptor[], by: Digest): Promise<void> {
    await this.#each(content, (key) => this.#place.driver.documents.put(key, new Uint8Array(0)), by);
  }

  /** After the manifest itself has been removed. */
  async remove(content: readonly Descriptor[], by: Digest): Promise<void> {
    await this.#each(content, (key) => this.#place.driver.documents.delete(key), by);
  }

  /**
   * Throws if a manifest needs the content, or one that needs it is just being put.
   *
   * @param options.otherwise what to do before that, such as to put back what has been removed already
   * @throws OciError DENIED
   */
  async requireUnused(
    content: Digest,
    { otherwise }: { readonly otherwise?: (() => Promise<unknown>) | undefined } = {},
  ): Promise<void> {
    const { driver, name, rules = {} } = this.#place;
    if (rules.deletesReferenced === true) return;
    for await (const key of listKeys(driver.documents, usesPrefix(name, content))) {
      const by = parseDigestKey(key);
      if (!(await this.#isAlive(content, by))) continue;
      await otherwise?.();
      throw new OciError("DENIED", `${content} is needed by ${by}`);
    }
  }

  /**
   * Whether a manifest needs the content, or one may still arrive.
   *
   * @param options.since what leads to a manifest that is not here counts from this time of the storage on
   * @param options.without manifests that do not count
   */
  async isNeeded(content: Digest, { since, without, signal }: NeedOptions): Promise<boolean> {
    const { driver, name } = this.#place;
    for await (const key of listKeys(driver.documents, usesPrefix(name, content), { signal })) {
      const by = parseDigestKey(key);
      if (without?.has(by) === true) continue;
      if ((await driver.documents.head(manifestKey(name, by), { signal })) !== undefined) return true;
      const found = await driver.documents.head(useKey(name, content, by), { signal });
      if (found !== undefined && found.modified >= since) return true;
    }
    return false;
  }

  async #isAlive(content: Digest, by: Digest): Promise<boolean> {
    const { driver, name, now } = this.#place;
    if ((await driver.documents.head(manifestKey(name, by))) !== undefined) return true;
    const found = await driver.documents.head(useKey(name, content, by));
    return found !== undefined && now() - found.modified < arrival;
  }

  async #each(
    content: readonly Descriptor[],
    change: (key: string) => Promise<unknown>,
    by: Digest,
  ): Promise<void> {
    const keys = new Set(content.map(({ digest }) => useKey(this.#place.name, digest, by)));
    await mapConcurrent(keys, concurrentWrites, change);
  }
}
