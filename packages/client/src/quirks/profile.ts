import { standardQuirks, type Quirks } from "@drayage/oci";

/** What is known of the registries at some hosts. */
export interface Profile {
  /** Patterns of host names: a label, or `*` for any one label. */
  readonly hosts: readonly string[];
  readonly quirks: Quirks;
}

/** A profile of `hosts` that differs from the standard in `quirks`. */
export function profile(hosts: readonly string[], quirks: Partial<Quirks> & Pick<Quirks, "name">): Profile {
  return { hosts, quirks: { ...standardQuirks, ...quirks } };
}
