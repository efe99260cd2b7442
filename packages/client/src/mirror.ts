import { parseRegistry, parseRepositoryName } from "@drayage/oci";

/** Where copies of a registry's content are kept. */
export interface MirrorPlace {
  readonly registry: string;
  /** What stands before the names of its repositories there. */
  readonly prefix: string | undefined;
}

/**
 * A mirror as options name it: `host`, `host:port` or `host/what/stands/before`.
 *
 * @throws OciError REFERENCE_INVALID, NAME_INVALID
 */
export function parseMirror(text: string): MirrorPlace {
  const slash = text.indexOf("/");
  const registry = slash < 0 ? text : text.slice(0, slash);
  const prefix = slash < 0 ? undefined : parseRepositoryName(text.slice(slash + 1));
  return { registry: parseRegistry(registry).registry, prefix };
}
