import { OciError, type Tag } from "@drayage/oci";

/**
 * What a registry allows, read anew at every change: the fields of an object that its owner keeps are switches.
 */
export interface RegistryRules {
  /** Refuses every change; nothing is refused by default. */
  readonly readOnly?: boolean | undefined;
  /** Whether manifests, tags and blobs can be deleted; they can by default. */
  readonly deletes?: boolean | undefined;
  /** Whether a tag stays where it was first set, neither moved nor deleted; none does by default. */
  readonly isImmutable?: ((repository: string, tag: Tag) => boolean) | undefined;
  /**
   * Which manifests of an index have to be here before it: all (`strict`, by default), one at least (`platforms`),
   * or none (`sparse`). Blobs always have to be.
   */
  readonly references?: "strict" | "platforms" | "sparse" | undefined;
  /** How many bytes a blob may have; as many as there is room for, by default. */
  readonly blobBytes?: number | undefined;
  /** How many uploads of one user may be written to at a time, in this process; any number by default. */
  readonly uploadsAtOnce?: number | undefined;
  /** What a repository may take up, together with others; what there is room for, by default. */
  readonly quota?: ((repository: string) => Quota | undefined) | undefined;
  /** Whether what a manifest needs can be deleted before the manifest; it cannot by default. */
  readonly deletesReferenced?: boolean | undefined;
}

/** What the repositories of a namespace may take up together. */
export interface Quota {
  /** The repository of this name and all below it, such as `team` for `team/app`; `""` for all there are. */
  readonly namespace: string;
  /** Of blobs and manifests, each counted once however many repositories have it. */
  readonly bytes?: number | undefined;
  readonly repositories?: number | undefined;
}

/** @throws OciError UNSUPPORTED */
export function requireWritable({ readOnly = false }: RegistryRules): void {
  if (readOnly) throw new OciError("UNSUPPORTED", "this registry takes no changes now");
}

/** @throws OciError UNSUPPORTED */
export function requireDeletable(rules: RegistryRules): void {
  requireWritable(rules);
  if (rules.deletes === false) throw new OciError("UNSUPPORTED", "nothing can be deleted here");
}
