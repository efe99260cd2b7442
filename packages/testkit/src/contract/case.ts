import type { Registry, Repository } from "@drayage/oci";

/** One rule that every repository keeps. */
export interface RepositoryCase {
  readonly title: string;
  /** What a subject must be able to do for the rule to apply to it. */
  readonly needs?: readonly RepositoryAbility[] | undefined;
  run(context: RepositoryContext): Promise<void>;
}

/** What a case is given: a repository nobody else uses. */
export interface RepositoryContext {
  readonly repository: Repository;
  /** The same repository where content gets in; `repository` itself unless the subject cannot be written to. */
  readonly origin: Repository;
  readonly registry: Registry;
  /** Another repository that only this case uses; `origin` is where content gets into it. */
  readonly sibling: (label: string) => { readonly repository: Repository; readonly origin: Repository };
  /** A number no other case has, so that content can be unique. */
  readonly seed: number;
  readonly traits: RepositoryTraits;
}

/** Where the protocol lets registries differ, which way the subject goes. */
export interface RepositoryTraits {
  /** Manifests and blobs can be put. */
  readonly write: boolean;
  /** Uploads can be opened, and continued from another repository object. */
  readonly upload: boolean;
  /** Manifests, tags and blobs can be deleted. */
  readonly delete: boolean;
  /** `ifMatch` and `ifNoneMatch` decide over tags. */
  readonly conditionalTags: boolean;
  /** Blobs and manifests can have sha512 digests. */
  readonly sha512: boolean;
  /** Blobs can be mounted from another repository that is named. */
  readonly mount: boolean;
  /** A mount without a source looks in every repository. */
  readonly mountFromAnywhere: boolean;
  /** A manifest is refused while content that it names is missing. */
  readonly requiresContent: boolean;
  /** Repositories can be listed. */
  readonly list: boolean;
  /** Tags can be listed with their digests. */
  readonly inventory: boolean;
  /** What asking for a manifest in a repository without content throws. */
  readonly unknownRepository: "MANIFEST_UNKNOWN" | "NAME_UNKNOWN";
}

/** The traits that a subject either has or has not. */
export type RepositoryAbility = Exclude<keyof RepositoryTraits, "unknownRepository">;

/** What the interfaces of `@drayage/oci` promise in full. */
export const fullTraits: RepositoryTraits = {
  write: true,
  upload: true,
  delete: true,
  conditionalTags: true,
  sha512: true,
  mount: true,
  mountFromAnywhere: true,
  requiresContent: true,
  list: true,
  inventory: true,
  unknownRepository: "MANIFEST_UNKNOWN",
};
