import type { CallOptions, Digest } from "@drayage/oci";
import type { ManifestFacts } from "./facts.ts";

/** What is known of manifests from earlier runs; content never changes, so that it is never out of date. */
export interface ManifestCache {
  get(digest: Digest): ManifestFacts | undefined;
  /** Remembers facts, maybe more of them than before. */
  set(facts: ManifestFacts): void;
  /** Resolves once all that was set outlives the process; what is not among `keep` may be forgotten. */
  save(options?: CallOptions & { readonly keep?: ReadonlySet<Digest> | undefined }): Promise<void>;
}

/** A cache for one process. */
export function createMemoryCache(): ManifestCache {
  const known = new Map<Digest, ManifestFacts>();
  return {
    get: (digest) => known.get(digest),
    set: (facts) => void known.set(facts.digest, facts),
    save: () => Promise.resolve(),
  };
}
